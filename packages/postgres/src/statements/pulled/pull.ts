import type { PulledItem, PullRequest, Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import { parsePulled } from "./item.ts";
import { sendVerb } from "./send-verb.ts";

/** Locks, index and isolation are those of `sherd_pull_v1`. */
const text = `select pull as pulled from sherd_pull_v1($1::text, $2::integer, $3::float8, $4::text) pull`;

export async function pull(
  executor: Executor,
  { queue, limit, leaseMs, owner }: PullRequest,
  tx?: Transaction,
): Promise<readonly PulledItem[]> {
  const rows = await sendVerb(executor, "pull", text, [queue, limit, leaseMs, owner], tx);
  return rows.map(({ pulled }) => parsePulled(pulled));
}
