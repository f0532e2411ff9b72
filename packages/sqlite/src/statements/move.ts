import type { Outcome } from "@sherd/core";
import type { Script } from "../script.ts";
import { insertFullSql, insertPlainSql } from "./history.ts";

type HistoryOutcome = Exclude<Outcome, "failed">;

/** One finished item on its way to the history. */
export interface Move {
  readonly seq: number;
  readonly outcome: HistoryOutcome;
  /** Its last attempt was not counted yet. */
  readonly counts: boolean;
  /** What `plainBytes` said of an item that completes at its first attempt; null when there is more to it. */
  readonly plainBytes: number | null;
}

/** A Durable Object takes rows of 2 MB, and what is measured here is longer once it is JSON. */
const longestRow = 1_000_000;
/** An id, a name, times and numbers. */
const otherBytes = 200;

/**
 * Move items into the history: as a rule one row for each way to end, which is one as a rule, then one delete. Locks: the
 * write lock, held since the items were read. Index: the primary key.
 */
export function* moveToHistory(queue: string, moves: readonly Move[], now: number): Script<void> {
  if (moves.length === 0) return;
  for (const outcome of ["completed", "cancelled"] as const) {
    const group = moves.filter((move) => move.outcome === outcome);
    if (group.length > 0) yield* insertAlike(queue, outcome, group, now);
  }
  yield {
    name: "delete-finished",
    sql: "DELETE FROM sherd_item WHERE seq IN (SELECT value FROM json_each(?))",
    params: [seqsOf(moves)],
  };
}

function* insertAlike(
  queue: string,
  outcome: HistoryOutcome,
  moves: readonly Move[],
  now: number,
): Script<void> {
  const isPlain = moves.every(({ plainBytes }) => plainBytes !== null);
  const sizes = isPlain
    ? new Map(moves.map(({ seq, plainBytes }) => [seq, plainBytes ?? 0]))
    : yield* measure(moves);
  for (const batch of cut(moves, sizes)) {
    const about = [queue, outcome, now];
    const counted = () => seqsOf(batch.filter(({ counts }) => counts));
    yield isPlain
      ? { name: "insert-history", sql: insertPlainSql, params: [...about, seqsOf(batch)] }
      : { name: "insert-history", sql: insertFullSql, params: [...about, counted(), seqsOf(batch)] };
  }
}

/** How long their texts are; nothing of them is read. Index: the primary key. */
function* measure(moves: readonly Move[]): Script<Map<number, number>> {
  const lengths = ["body", "errors", "trace", "key", "concurrency_key"].map(
    (column) => `coalesce(octet_length(${column}), 0)`,
  );
  const rows = (yield {
    name: "measure-finished",
    sql: `SELECT seq, ${lengths.join(" + ")} FROM sherd_item WHERE seq IN (SELECT value FROM json_each(?))`,
    params: [seqsOf(moves)],
  }) as readonly (readonly [seq: number, bytes: number])[];
  return new Map(rows);
}

/** Into as many parts as rows are needed, which is one as a rule. */
function cut(moves: readonly Move[], sizes: ReadonlyMap<number, number>): readonly (readonly Move[])[] {
  const bytesOf = ({ seq }: Move) => (sizes.get(seq) ?? 0) + otherBytes;
  if (moves.reduce((sum, move) => sum + bytesOf(move), 0) <= longestRow) return [moves];
  const parts: Move[][] = [];
  let left = 0;
  for (const move of moves.toSorted((one, other) => one.seq - other.seq)) {
    left -= bytesOf(move);
    if (left < 0 || parts.length === 0) {
      parts.push([]);
      left = longestRow - bytesOf(move);
    }
    parts.at(-1)?.push(move);
  }
  return parts;
}

function seqsOf(moves: readonly Move[]): string {
  return JSON.stringify(moves.map(({ seq }) => seq));
}
