import type { Snapshot } from "./snapshot.ts";

const dropTable = /^DROP TABLE ["`](\w+)["`]/;

/**
 * Move drops of tables that others refer to behind everything else, referring tables first. Drizzle drops tables
 * before it removes the references to them: in SQLite that deletes the referring rows, in PostgreSQL it fails.
 */
export function dropReferencedTablesLast(
  statements: readonly string[],
  previous: Snapshot,
  current: Snapshot,
): readonly string[] {
  const referrers = referrersByTable(previous);
  // A rebuild drops its table too, in its place.
  for (const { name } of Object.values(current.tables)) referrers.delete(name);
  const isLate = (sql: string) => referrers.has(dropTable.exec(sql)?.[1] ?? "");
  const late = new Map(statements.filter(isLate).map((sql) => [dropTable.exec(sql)?.[1] ?? "", sql]));
  const ordered = new Set<string>();
  const visited = new Set<string>();
  for (const table of late.keys()) visit(table);
  return [...statements.filter((sql) => !isLate(sql)), ...ordered];

  function visit(table: string): void {
    if (visited.has(table)) return;
    visited.add(table);
    for (const referrer of referrers.get(table) ?? []) visit(referrer);
    const sql = late.get(table);
    if (sql !== undefined) ordered.add(sql);
  }
}

function referrersByTable({ tables }: Snapshot): Map<string, string[]> {
  const referrers = new Map<string, string[]>();
  for (const { name, foreignKeys } of Object.values(tables)) {
    for (const { tableTo } of Object.values(foreignKeys)) {
      if (tableTo !== name) referrers.set(tableTo, [...(referrers.get(tableTo) ?? []), name]);
    }
  }
  return referrers;
}
