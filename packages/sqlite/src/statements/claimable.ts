import type { SqlValue } from "../connection.ts";
import { heldSql } from "./held.ts";

/**
 * The ready items that nobody holds, in the order of claims, whether or not their concurrency key is busy. Locks: none of
 * its own; a claim runs it in a transaction that began with the write lock, so no lease or item changes under it. Index: walks
 * `sherd_item_ready` in order and stops at the limit.
 */
export const readySql = (columns: string) => `
SELECT ${columns}
FROM sherd_item i INDEXED BY sherd_item_ready
WHERE i.queue = ? AND i.state = 'ready'
  AND i.seq NOT IN (${heldSql})
  AND i.name IN (SELECT value FROM json_each(?))
  AND i.lost < ?
ORDER BY i.priority DESC, i.seq
LIMIT ?`;

/** Items that were lost `lostBelow` times or more are left out. */
export function readyParams(
  queue: string,
  names: readonly string[],
  lostBelow: number,
  limit: number,
): readonly SqlValue[] {
  return [queue, queue, JSON.stringify(names), lostBelow, limit];
}

/**
 * The busy concurrency keys, some of them twice. A key is busy while an item of it is held, or waits to be retried without
 * having released it, or is left out because it was lost too often: others must not overtake it. Locks: as above. Indexes: the
 * primary key for what is held, `sherd_item_blocking` and `sherd_item_suspect`.
 */
export const busySql = `
SELECT h.concurrency_key FROM (${heldSql}) held CROSS JOIN sherd_item h ON h.seq = held.value
WHERE h.concurrency_key IS NOT NULL AND h.state <> 'done'
UNION ALL
SELECT b.concurrency_key FROM sherd_item b INDEXED BY sherd_item_blocking
WHERE b.queue = ? AND b.state = 'timed' AND b.concurrency_key IS NOT NULL
  AND b.release_key_on_retry = 0 AND b.failures + b.lost > 0
UNION ALL
SELECT s.concurrency_key FROM sherd_item s INDEXED BY sherd_item_suspect
WHERE s.queue = ? AND s.state = 'ready' AND s.concurrency_key IS NOT NULL AND s.lost > 0 AND s.lost >= ?`;

export function busyParams(queue: string, lostBelow: number): readonly SqlValue[] {
  return [queue, queue, queue, lostBelow];
}

/** Whether there is an item that a claim may take. The busy keys are gathered once an item with a key is met. */
export const isClaimableSql = `EXISTS (
  SELECT 1
  FROM sherd_item i INDEXED BY sherd_item_ready
  WHERE i.queue = ? AND i.state = 'ready'
    AND i.seq NOT IN (${heldSql})
    AND i.name IN (SELECT value FROM json_each(?))
    AND (i.concurrency_key IS NULL OR i.concurrency_key NOT IN (${busySql}))
)`;

export function isClaimableParams(queue: string, names: readonly string[]): readonly SqlValue[] {
  return [queue, queue, JSON.stringify(names), ...busyParams(queue, Number.MAX_SAFE_INTEGER)];
}
