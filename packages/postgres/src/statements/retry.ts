import type { Executor } from "../executor.ts";
import { onlyRow } from "../literal.ts";

type Answer = "retried" | "not_failed" | "not_found";

/** Locks, index and isolation are those of `sherd_retry_v1`. */
const text = `select sherd_retry_v1($1::text, $2::text::uuid) as answer`;

export async function retry(executor: Executor, queue: string, id: string): Promise<Answer> {
  const rows = await executor.own("retry", () => executor.send("retry", "retry", text, [queue, id]));
  return onlyRow(rows)["answer"] as Answer;
}
