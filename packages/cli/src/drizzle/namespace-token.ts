/** Stands for the namespace in the tables that drizzle sees; `{{namespace}}` does in the SQL, which core fills in. */
export const namespaceToken = "__namespace__";

export const sqlPlaceholder = "{{namespace}}";

/** A string, or a name between quotes of either dialect. */
export const quotedSql = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`/;

const quotedOrBare = new RegExp(`${quotedSql.source}|\\b${namespaceToken}\\w*`, "g");
const bareReference = /\bREFERENCES (__namespace__\w*)\((\w+)\)/g;

/**
 * Put the placeholder where the token stands. A namespace may hold a `-`, so every name with it must be quoted;
 * drizzle leaves out the quotes in SQLite's `ADD … REFERENCES table(column)`.
 */
export function withPlaceholder(sql: string): string {
  return sql
    .replace(bareReference, 'REFERENCES "$1"("$2")')
    .replace(quotedOrBare, (match) => (match.startsWith(namespaceToken) ? `"${match}"` : match))
    .replaceAll(namespaceToken, sqlPlaceholder);
}

/** A table's name as its author knows it. */
export function localName(table: string): string {
  return table.replace(`${namespaceToken}_`, "");
}
