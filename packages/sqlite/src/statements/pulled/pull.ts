import type { PulledItem, PullRequest } from "@sherd/core";
import type { Script } from "../../script.ts";
import { inOrder, readByKey } from "./item.ts";

type Due = readonly [seq: number, key: string, revision: number, isExpired: number];

/**
 * Lease what is due. Locks: the write lock, before the first read, so that two callers never read the same item as free.
 * Indexes: `sherd_item_timed` in order, `sherd_lease_queue`, the primary keys.
 */
export function* pull(
  { queue, limit, leaseMs, owner }: PullRequest,
  now: number,
  randomId: () => string,
): Script<readonly PulledItem[]> {
  const due = (yield {
    name: "pick-due",
    sql: dueSql,
    params: [queue, now, limit, queue, now, limit, limit],
  }) as readonly Due[];
  if (due.length === 0) return [];
  const seqs = JSON.stringify(due.map(([seq]) => seq));
  if (due.some(([, , , isExpired]) => isExpired === 1)) {
    yield {
      name: "take-over",
      sql: "DELETE FROM sherd_lease WHERE item IN (SELECT value FROM json_each(?))",
      params: [seqs],
    };
  }
  const leases = due.map(([seq, , revision]) => [randomId(), [seq], { [seq]: revision + 1 }, seq]);
  yield {
    name: "insert-leases",
    sql: insertSql,
    params: [queue, owner, now + leaseMs, now, JSON.stringify(leases)],
  };
  yield { name: "take", sql: takeSql, params: [now, now, JSON.stringify(due)] };
  const keys = due.map(([, key]) => key);
  return inOrder(keys, yield* readByKey(queue, keys));
}

const dueSql = `
SELECT seq, key, revision, is_expired FROM (
  SELECT * FROM (
    SELECT i.seq, i.key, i.revision, i.at, 0 AS is_expired FROM sherd_item i INDEXED BY sherd_item_timed
    WHERE i.queue = ? AND i.state = 'timed' AND i.at <= ? ORDER BY i.at, i.seq LIMIT ?
  )
  UNION ALL
  SELECT * FROM (
    SELECT i.seq, i.key, i.revision, i.at, 1 FROM sherd_lease l INDEXED BY sherd_lease_queue
    CROSS JOIN sherd_item i ON i.seq = l.item
    WHERE l.queue = ? AND l.expires_at <= ? ORDER BY i.at, i.seq LIMIT ?
  )
) ORDER BY at, seq LIMIT ?`;

const insertSql = `
INSERT INTO sherd_lease (id, queue, owner, expires_at, created_at, items, revisions, item)
SELECT value ->> 0, ?, ?, ?, ?, value -> 1, value -> 2, value ->> 3 FROM json_each(?)`;

const takeSql = `
UPDATE sherd_item SET state = 'ready', phase = 'leased', revision = revision + 1, attempts = attempts + 1,
  lost = lost + (j.value ->> 3), started_at = ?, updated_at = ?
FROM json_each(?) j WHERE sherd_item.seq = j.value ->> 0`;
