/** What the tests of single faults have in common: a database of their own, processes, and a check at the end. */
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { expect, inject, onTestFinished } from "vitest";
import { checkHistory } from "../../src/crash/check-history.ts";
import { type Children, openChildren } from "./child.ts";
import { postgresDatabases, sqliteDatabases } from "./databases.ts";
import { drained } from "./finish.ts";
import { openShop, type Shop, type ShopOptions } from "./shop.ts";
import { historyOf, type Snapshot, takeSnapshot } from "./snapshot.ts";

export type Kind = "SQLite" | "PostgreSQL";
export const kinds = ["SQLite", "PostgreSQL"] as const satisfies readonly Kind[];

export interface CrashTest {
  readonly location: string;
  readonly journal: string;
  readonly children: Children;
  /** A process's view of the shop, in this process. It is closed when the test has ended. */
  open(options?: Partial<ShopOptions>): Shop;
  /** Open one, and poll. Answers the errors that it reported, too. */
  poll(options?: Partial<ShopOptions>): {
    readonly shop: Shop;
    readonly errors: readonly unknown[];
    stop(): Promise<void>;
  };
}

export async function openCrashTest(kind: Kind): Promise<CrashTest> {
  const children = await openChildren();
  onTestFinished(() => children.end());
  const databases =
    kind === "SQLite"
      ? await sqliteDatabases(children.folder)
      : await postgresDatabases(inject("postgresUrl"), children.folder);
  onTestFinished(() => databases.remove());
  const location = await databases.use(async (made) => made);
  const journal = `${children.folder}/journal`;
  const open = (options: Partial<ShopOptions> = {}) => {
    const shop = openShop({ location, journal, ...options });
    onTestFinished(() => shop.close());
    return shop;
  };
  return {
    location,
    journal,
    children,
    open,
    poll(options = {}) {
      const errors: unknown[] = [];
      const onError = (error: unknown) => void errors.push(error);
      const durableHooks = { leaseMs: 300, ...options.durableHooks };
      const shop = open({ onError, ...options, durableHooks });
      const dispatcher = createDurableHooksDispatcher({
        processor: shop.processor,
        pollIntervalMs: 100,
        onError,
      });
      dispatcher.startPolling();
      const stop = () => dispatcher.stopPolling({ deadlineMs: 0 });
      onTestFinished(stop);
      return { shop, errors, stop };
    },
  };
}

/** Wait until nothing is due any more, and expect that every promise was kept. Answers what is there. */
export async function expectWhole(shop: Shop, journal: string, maxLost = 3): Promise<Snapshot> {
  await drained(shop);
  const snapshot = await takeSnapshot(shop);
  if (snapshot === null) throw new Error("The database was migrated.");
  expect(checkHistory(historyOf(snapshot, journal, maxLost))).toEqual([]);
  return snapshot;
}
