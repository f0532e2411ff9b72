import { isSherdError } from "@sherd/core";
import type { History } from "../../src/crash/check-history.ts";
import { readJournal, type Shop } from "./shop.ts";

export type Snapshot = Omit<History, "promised" | "maxLost">;

const statuses = ["pending", "processing", "completed", "failed", "cancelled"] as const;

/** Read everything that the database has of the shop; null when it has not been migrated. */
export async function takeSnapshot({ fragment, adapter }: Shop): Promise<Snapshot | null> {
  try {
    const orders = await fragment.services.orders();
    const hooks = [];
    for (const status of statuses) {
      for (let cursor: string | null = ""; cursor !== null;) {
        const page = await fragment.hooks.list({ status, limit: 500, cursor: cursor === "" ? null : cursor });
        hooks.push(...page.hooks);
        cursor = page.cursor;
      }
    }
    const { sherdLease } = adapter.tables as { readonly sherdLease: never };
    return {
      committed: orders.map(({ id, note, once, prunable }) => ({
        hook: id,
        note,
        isExactlyOnce: once === 1,
        mayBePruned: prunable === 1,
      })),
      hooks: hooks.map(({ id, status, attempts, failures, lost, maxAttempts }) => ({
        id,
        status,
        attempts,
        failures,
        lost,
        maxAttempts,
      })),
      effects: (await fragment.services.effects()).map(({ hook, note }) => ({ hook, note })),
      leases: await adapter.transaction(({ db }) => db.$count(sherdLease)),
    };
  } catch (error) {
    if (isSherdError(error, "NOT_MIGRATED")) return null;
    throw error;
  }
}

/** Together with what processes wrote down. */
export function historyOf(snapshot: Snapshot, journal: string, maxLost = 3): History {
  const promised = readJournal(journal).flatMap((word) =>
    word.startsWith("promised ") ? [word.slice(9)] : [],
  );
  return { ...snapshot, promised, maxLost };
}
