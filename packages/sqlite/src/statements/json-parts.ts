/** A Durable Object takes texts of 2 MB; of UTF-8, a character has up to three bytes. */
const longestText = 500_000;

export interface JsonPart<Row> {
  readonly rows: readonly Row[];
  /** The rows as one JSON array. */
  readonly text: string;
}

/** Rows as JSON, in as many texts as are needed, which is one as a rule. A row that is too long alone has one to itself. */
export function inJsonParts<Row>(rows: readonly Row[]): readonly JsonPart<Row>[] {
  const parts: { rows: Row[]; texts: string[] }[] = [];
  let left = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    left -= text.length;
    if (left < 0) {
      parts.push({ rows: [], texts: [] });
      left = longestText - text.length;
    }
    parts.at(-1)?.rows.push(row);
    parts.at(-1)?.texts.push(text);
  }
  return parts.map((part) => ({ rows: part.rows, text: `[${part.texts.join(",")}]` }));
}
