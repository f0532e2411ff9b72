import type { Outcome } from "@sherd/core";
import type { Script } from "../script.ts";

/** One finished item on its way to the history; `counts` when its last attempt was not counted yet. */
export interface Move {
  readonly seq: number;
  readonly outcome: Exclude<Outcome, "failed">;
  readonly counts: boolean;
}

/**
 * Move items into the history: one insert for each way to end, which is one as a rule, then one delete. Locks: the write lock, held since
 * the items were read. Index: the primary key.
 */
export function* moveToHistory(moves: readonly Move[], now: number): Script<void> {
  if (moves.length === 0) return;
  for (const outcome of ["completed", "cancelled"] as const) {
    for (const counts of [true, false]) {
      const group = moves.filter((move) => move.outcome === outcome && move.counts === counts);
      if (group.length === 0) continue;
      yield { name: "insert-history", sql: insertSql, params: [outcome, counts ? 1 : 0, now, seqsOf(group)] };
    }
  }
  yield {
    name: "delete-finished",
    sql: "DELETE FROM sherd_item WHERE seq IN (SELECT value FROM json_each(?))",
    params: [seqsOf(moves)],
  };
}

const insertSql = `
INSERT INTO sherd_history (
  id, queue, name, key, outcome, priority, concurrency_key, attempts, failures, lost, max_attempts, errors, body, trace,
  created_at, finished_at
)
SELECT
  id, queue, name, key, ?, priority, concurrency_key, attempts + ?, failures, lost, max_attempts, errors, body, trace,
  created_at, ?
FROM sherd_item WHERE seq IN (SELECT value FROM json_each(?))`;

function seqsOf(moves: readonly Move[]): string {
  return JSON.stringify(moves.map(({ seq }) => seq));
}
