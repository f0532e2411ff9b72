import type { PulledItem, Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import { textArray } from "../../literal.ts";
import { parsePulled } from "./item.ts";
import { sendVerb } from "./send-verb.ts";

/** Takes no locks. Index: sherd_item_key, then those of `sherd_pulled_v1`. */
const text = `select p.pulled from sherd_pulled_v1(array(
  select i.id from sherd_item i
  where i.queue = $1::text and i.key = any($2::text::text[]) and i.key is not null and i.state <> 'done'
)) p`;

export async function find(
  executor: Executor,
  queue: string,
  keys: readonly string[],
  tx?: Transaction,
): Promise<readonly (PulledItem | null)[]> {
  const rows = await sendVerb(executor, "find", text, [queue, textArray(keys)], tx);
  const byKey = new Map(
    rows.map(({ pulled }) => parsePulled(pulled)).map((item) => [item.key, item] as const),
  );
  return keys.map((key) => byKey.get(key) ?? null);
}
