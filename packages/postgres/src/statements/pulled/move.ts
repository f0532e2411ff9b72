import type { PulledMove, PullMove, PullResult, Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import { parsePulled } from "./item.ts";
import { sendVerb } from "./send-verb.ts";

/** Locks, index and isolation are those of `sherd_move_v1`. */
const text = `select key, result, pulled from sherd_move_v1($1::text, $2::text::json)`;

export async function move(
  executor: Executor,
  queue: string,
  moves: readonly PullMove[],
  tx?: Transaction,
): Promise<readonly PulledMove[]> {
  const rows = await sendVerb(executor, "move", text, [queue, JSON.stringify(moves.map(toRow))], tx);
  const byKey = new Map(rows.map((row) => [row["key"], row]));
  return moves.map(({ key }) => {
    const row = byKey.get(key);
    const pulled = row?.["pulled"] ?? null;
    return { result: row?.["result"] as PullResult, item: pulled === null ? null : parsePulled(pulled) };
  });
}

function toRow({ due, ...move }: PullMove): object {
  switch (due?.kind) {
    case undefined:
      return { ...move, due: "kept" };
    case "at":
      return { ...move, due: "at", dueMs: due.at };
    case "in":
      return { ...move, due: "in", dueMs: due.ms };
    case "never":
      return { ...move, due: "never" };
  }
}
