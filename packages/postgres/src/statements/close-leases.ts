import type { Executor } from "../executor.ts";
import { plainArray } from "../literal.ts";

/** Locks: the leases, SKIP LOCKED: one that an open transaction holds is left to the sweep. Index: sherd_lease_pkey. */
const text = `delete from sherd_lease where id in (
  select id from sherd_lease where id = any($1::text::uuid[]) order by id for update skip locked
)`;

export async function closeLeases(executor: Executor, leases: readonly string[]): Promise<void> {
  if (leases.length === 0) return;
  await executor.own("closeLeases", () => executor.send("closeLeases", "close", text, [plainArray(leases)]));
}
