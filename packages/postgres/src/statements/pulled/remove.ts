import type { Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import { textArray } from "../../literal.ts";
import { sendVerb } from "./send-verb.ts";

/** Locks and index are those of `sherd_remove_v1`. */
const text = `select removed as key from sherd_remove_v1($1::text, $2::text::text[]) removed`;

export async function remove(
  executor: Executor,
  queue: string,
  keys: readonly string[],
  tx?: Transaction,
): Promise<readonly string[]> {
  const rows = await sendVerb(executor, "remove", text, [queue, textArray(keys)], tx);
  return rows.map(({ key }) => String(key));
}
