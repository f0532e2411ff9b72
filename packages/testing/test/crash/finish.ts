import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "../../src/eventually.ts";
import { queue } from "./orders.ts";
import { openShop, type Shop } from "./shop.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface Finished {
  /** As the other process left it; null when there were no tables. */
  readonly found: Snapshot | null;
  readonly left: Snapshot;
  /** Migrations of the kernel that a second migration applied. */
  readonly applied: readonly string[];
}

/** The keys that scenarios use. */
const keys = ["key", "parked"];

/** Do what a process does that is started after another one died: migrate, poll, and so finish the work. */
export async function finish(location: string, journal: string): Promise<Finished> {
  const shop = openShop({ location, journal, durableHooks: { leaseMs: 10_000 } });
  const found = await takeSnapshot(shop);
  await shop.migrate();
  const { applied } = await applyAgain(shop);
  // Whoever parks items wakes them again after a crash.
  await shop.adapter.storage.wake(queue, keys);
  const dispatcher = createDurableHooksDispatcher({ processor: shop.processor, pollIntervalMs: 1_000 });
  dispatcher.startPolling();
  await drained(shop);
  const left = await takeSnapshot(shop);
  // What has finished has freed its key.
  const options = keys.map((key) => ({ key, onConflict: "error" as const }));
  await shop.fragment.services.place(options.map((each) => ({ act: "once", note: "later", options: each })));
  await drained(shop);
  await dispatcher.stopPolling();
  await shop.close();
  if (left === null) throw new Error("It was migrated before.");
  return { found, left, applied };
}

export async function drained({ fragment, adapter }: Shop): Promise<void> {
  const { sherdLease } = adapter.tables as { readonly sherdLease: never };
  await eventually(
    async () => {
      const { pending, processing } = await fragment.hooks.count();
      return (
        pending + processing === 0 && (await adapter.transaction(({ db }) => db.$count(sherdLease))) === 0
      );
    },
    { withinMs: 15_000 },
  );
}

/** Migrations that were recorded are not applied a second time. */
async function applyAgain({ adapter }: Shop) {
  const reports = await adapter.migrator.apply([adapter.migrator.kernel]);
  return { applied: reports.flatMap((report) => report.applied) };
}
