import type { Outcome } from "@sherd/core";
import type { Script } from "../script.ts";

/**
 * Delete what finished so before `before`, oldest first; answers how many. Of the history whole rows go, until `limit` is
 * reached. Locks: the write lock. Indexes: `sherd_item_done` for failed items, `sherd_history_finished` for the others.
 */
export function* prune(queue: string, outcome: Outcome, before: number, limit: number): Script<number> {
  if (outcome !== "failed") return yield* pruneHistory(queue, outcome, before, limit);
  const rows = yield { name: "prune", sql: pruneFailedSql, params: [queue, before, limit] };
  return rows.length;
}

const pruneFailedSql = `
DELETE FROM sherd_item WHERE seq IN (
  SELECT seq FROM sherd_item INDEXED BY sherd_item_done
  WHERE queue = ? AND state = 'done' AND at < ? ORDER BY at LIMIT ?
) RETURNING 1`;

function* pruneHistory(queue: string, outcome: Outcome, before: number, limit: number): Script<number> {
  const rows = (yield {
    name: "find-old-batches",
    sql: `
SELECT seq, count FROM sherd_history INDEXED BY sherd_history_finished
WHERE queue = ? AND outcome = ? AND finished_at < ? ORDER BY finished_at, seq LIMIT ?`,
    params: [queue, outcome, before, limit],
  }) as readonly (readonly [seq: number, count: number])[];
  const seqs: number[] = [];
  let items = 0;
  for (const [seq, count] of rows) {
    if (items >= limit) break;
    seqs.push(seq);
    items += count;
  }
  if (seqs.length === 0) return 0;
  yield {
    name: "prune",
    sql: "DELETE FROM sherd_history WHERE seq IN (SELECT value FROM json_each(?))",
    params: [JSON.stringify(seqs)],
  };
  return items;
}
