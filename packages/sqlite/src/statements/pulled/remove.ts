import type { Script } from "../../script.ts";

/** Delete items and their leases. Locks: the write lock. Indexes: `sherd_item_key`, `sherd_lease_item`. */
export function* remove(queue: string, keys: readonly string[]): Script<readonly string[]> {
  const rows = yield {
    name: "remove",
    sql: `
DELETE FROM sherd_item WHERE queue = ? AND key IN (SELECT value FROM json_each(?)) AND key IS NOT NULL AND state <> 'done'
RETURNING seq, key`,
    params: [queue, JSON.stringify(keys)],
  };
  if (rows.length === 0) return [];
  yield {
    name: "let-go",
    sql: "DELETE FROM sherd_lease WHERE item IN (SELECT value FROM json_each(?))",
    params: [JSON.stringify(rows.map(([seq]) => seq))],
  };
  return rows.map(([, key]) => key as string);
}
