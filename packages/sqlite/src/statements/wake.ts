import type { Script } from "../script.ts";

/** Make parked items ready by key; answers how many. Locks: the write lock. Index: `sherd_item_key`. */
export function* wake(queue: string, keys: readonly string[]): Script<number> {
  const rows = yield {
    name: "wake",
    sql: `
UPDATE sherd_item INDEXED BY sherd_item_key SET state = 'ready', gate = NULL
WHERE queue = ? AND key IN (SELECT value FROM json_each(?)) AND key IS NOT NULL AND state <> 'done' AND state = 'parked'
RETURNING seq`,
    params: [queue, JSON.stringify(keys)],
  };
  return rows.length;
}
