import type { Executor } from "../executor.ts";
import { onlyRow } from "../literal.ts";

type Answer = "cancelled" | "requested" | "finished" | "not_found";

/** Locks, index and isolation are those of `sherd_cancel_v1`. */
const text = `select sherd_cancel_v1($1::text, $2::text::uuid) as answer`;

export async function cancel(executor: Executor, queue: string, id: string): Promise<Answer> {
  const rows = await executor.own("cancel", () => executor.send("cancel", "cancel", text, [queue, id]));
  return onlyRow(rows)["answer"] as Answer;
}
