import type { Outcome } from "@sherd/core";
import type { Script } from "../script.ts";

/**
 * Delete what finished so before `before`, oldest first; answers how many. Locks: the write lock. Indexes:
 * `sherd_item_done` for failed items, `sherd_history_finished` for the others.
 */
export function* prune(queue: string, outcome: Outcome, before: number, limit: number): Script<number> {
  const rows =
    outcome === "failed"
      ? yield { name: "prune", sql: pruneFailedSql, params: [queue, before, limit] }
      : yield { name: "prune", sql: pruneHistorySql, params: [queue, outcome, before, limit] };
  return rows.length;
}

const pruneFailedSql = `
DELETE FROM sherd_item WHERE seq IN (
  SELECT seq FROM sherd_item INDEXED BY sherd_item_done
  WHERE queue = ? AND state = 'done' AND at < ? ORDER BY at LIMIT ?
) RETURNING 1`;

const pruneHistorySql = `
DELETE FROM sherd_history WHERE id IN (
  SELECT id FROM sherd_history INDEXED BY sherd_history_finished
  WHERE queue = ? AND outcome = ? AND finished_at < ? ORDER BY finished_at LIMIT ?
) RETURNING 1`;
