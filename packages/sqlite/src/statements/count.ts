import type { ItemCounts } from "@sherd/core";
import type { Script } from "../script.ts";
import { withHeld } from "./held.ts";

/**
 * Count a queue's items by status. Locks: none. Indexes: each count walks one partial index or the queue's range of
 * `sherd_history_finished`, and no row's payload. A ready item has been due since its `at`, or
 * since it was created where it never waited.
 */
export function* count(queue: string, now: number): Script<ItemCounts> {
  const [row] = (yield {
    name: "count",
    sql: countSql,
    params: [queue, ...Array<string>(10).fill(queue), now],
  }) as readonly CountRow[];
  const [unfinished, processing, failed, completed, cancelled, ...dueSince] = row as CountRow;
  const since = dueSince.filter((time) => time !== null);
  return {
    pending: unfinished - processing,
    processing,
    failed,
    completed,
    cancelled,
    oldestDueMs: since.length === 0 ? null : Math.max(0, now - Math.min(...since)),
  };
}

type CountRow = readonly [
  unfinished: number,
  processing: number,
  failed: number,
  completed: number,
  cancelled: number,
  readySince: number | null,
  blockedSince: number | null,
  timedSince: number | null,
];

const countSql = `
WITH ${withHeld}
SELECT
  (SELECT count(*) FROM sherd_item WHERE queue = ? AND state = 'ready')
    + (SELECT count(*) FROM sherd_item WHERE queue = ? AND state = 'blocked')
    + (SELECT count(*) FROM sherd_item WHERE queue = ? AND state = 'timed')
    + (SELECT count(*) FROM sherd_item WHERE queue = ? AND state = 'parked'),
  (SELECT count(*) FROM held CROSS JOIN sherd_item i ON i.seq = held.seq WHERE i.state <> 'done'),
  (SELECT count(*) FROM sherd_item WHERE queue = ? AND state = 'done'),
  (SELECT coalesce(sum(count), 0) FROM sherd_history WHERE queue = ? AND outcome = 'completed'),
  (SELECT coalesce(sum(count), 0) FROM sherd_history WHERE queue = ? AND outcome = 'cancelled'),
  (SELECT coalesce(at, created_at) FROM sherd_item WHERE seq = (
    SELECT min(seq) FROM sherd_item INDEXED BY sherd_item_ready WHERE queue = ? AND state = 'ready' AND seq NOT IN held
  )),
  (SELECT coalesce(at, created_at) FROM sherd_item WHERE seq = (
    SELECT min(seq) FROM sherd_item INDEXED BY sherd_item_blocked WHERE queue = ? AND state = 'blocked'
  )),
  (SELECT min(at) FROM sherd_item INDEXED BY sherd_item_timed
    WHERE queue = ? AND state = 'timed' AND seq NOT IN held AND at <= ?)`;
