import type { DatabaseAdapter, DurableHooksOptions } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { stalledClock } from "../../../../tooling/stalled-clock.ts";

/** Options for a worker that holds its leases for a tenth of a second and then loses them. */
export const stalled: DurableHooksOptions = { clock: stalledClock, leaseMs: 100 };

/** Wait until the leases of a stalled worker have expired, and have them swept. Answers how many hooks were lost. */
export async function loseLeases({ storage }: DatabaseAdapter, namespace: string): Promise<number> {
  return eventually(async () => (await storage.sweep(`hook/${namespace}`, 1_000, 3)).lost.length, {
    withinMs: 5_000,
  });
}
