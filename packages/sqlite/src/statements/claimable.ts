import type { SqlValue } from "../connection.ts";
import { heldSql } from "./held.ts";

/**
 * The items that a claim may take, in its order. Locks: none of its own; a claim runs it in a transaction that began
 * with the write lock, so no lease or item changes under it. Index: walks `sherd_item_ready` in order and stops at
 * the limit; the busy keys come from the held items' rows and from `sherd_item_blocking` and `sherd_item_suspect`, and only
 * once an item with a key is met, which is why they are no CTE: SQLite would gather them for each claim. A key is busy
 * while an item of it is held, or waits to be retried without having released it, or is left out because it was lost
 * too often: others must not overtake it.
 */
export const claimableSql = (columns: string) => `
SELECT ${columns}
FROM sherd_item i INDEXED BY sherd_item_ready
WHERE i.queue = ? AND i.state = 'ready'
  AND i.seq NOT IN (${heldSql})
  AND i.name IN (SELECT value FROM json_each(?))
  AND i.lost < ?
  AND (i.concurrency_key IS NULL OR i.concurrency_key NOT IN (${busySql}))
ORDER BY i.priority DESC, i.seq
LIMIT ?`;

const busySql = `
SELECT h.concurrency_key FROM (${heldSql}) held CROSS JOIN sherd_item h ON h.seq = held.value
WHERE h.concurrency_key IS NOT NULL AND h.state <> 'done'
UNION ALL
SELECT b.concurrency_key FROM sherd_item b INDEXED BY sherd_item_blocking
WHERE b.queue = ? AND b.state = 'timed' AND b.concurrency_key IS NOT NULL
  AND b.release_key_on_retry = 0 AND b.failures + b.lost > 0
UNION ALL
SELECT s.concurrency_key FROM sherd_item s INDEXED BY sherd_item_suspect
WHERE s.queue = ? AND s.state = 'ready' AND s.concurrency_key IS NOT NULL AND s.lost > 0 AND s.lost >= ?`;

/** Items that were lost `lostBelow` times or more are left out. */
export function claimableParams(
  queue: string,
  names: readonly string[],
  lostBelow: number,
  limit: number,
): readonly SqlValue[] {
  return [queue, queue, JSON.stringify(names), lostBelow, queue, queue, queue, lostBelow, limit];
}
