import type { PullDraft, PulledItem, Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import { parsePulled } from "./item.ts";
import { sendVerb } from "./send-verb.ts";

/** Locks, index and isolation are those of `sherd_put_v1`. */
const text = `select put as pulled from sherd_put_v1($1::text, $2::text::json, $3::boolean) put`;

export async function put(
  executor: Executor,
  queue: string,
  drafts: readonly PullDraft[],
  refreshes: boolean,
  tx?: Transaction,
): Promise<readonly PulledItem[]> {
  const rows = drafts.map((draft) => ({ ...draft, setsDue: draft.dueAt !== undefined }));
  const answers = await sendVerb(executor, "put", text, [queue, JSON.stringify(rows), refreshes], tx);
  const byKey = new Map(
    answers.map(({ pulled }) => parsePulled(pulled)).map((item) => [item.key, item] as const),
  );
  return drafts.flatMap(({ key }) => byKey.get(key) ?? []);
}
