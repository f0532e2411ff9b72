import type { DatabaseSync } from "node:sqlite";
import type { ClaimedItem, DatabaseAdapter, NewItem, Storage, Transaction } from "@sherd/core";

/** Makes one process's adapter worse. What it does by itself, it does without taking a turn, as one statement would. */
export type Mutant = (adapter: DatabaseAdapter, database: DatabaseSync) => DatabaseAdapter;

function withStorage(adapter: DatabaseAdapter, verbs: Partial<Storage>): DatabaseAdapter {
  return { ...adapter, storage: { ...adapter.storage, ...verbs } };
}

/** Have a lease list an item again, whatever has become of it. */
function list(database: DatabaseSync, queue: string, lease: string, id: string): void {
  const row = database.prepare("SELECT seq FROM sherd_item WHERE id = ? AND state <> 'done'").get(id);
  if (row === undefined) return;
  const seq = row["seq"] as number;
  const known = database.prepare("SELECT items FROM sherd_lease WHERE id = ?").get(lease);
  if (known === undefined) {
    database
      .prepare(
        "INSERT INTO sherd_lease (id, queue, owner, expires_at, created_at, items) VALUES (?, ?, 'mutant', 0, 0, ?)",
      )
      .run(lease, queue, JSON.stringify([seq]));
    return;
  }
  const items = new Set(JSON.parse(known["items"] as string) as number[]);
  const text = JSON.stringify([...items.add(seq)]);
  database.prepare("UPDATE sherd_lease SET items = ? WHERE id = ?").run(text, lease);
}

/** Settle takes the caller's word for its lease: what the fence refused ends all the same. */
export const withoutTheFence: Mutant = (adapter, database) =>
  withStorage(adapter, {
    async settle(queue, outcomes, tx) {
      const settled = await adapter.storage.settle(queue, outcomes, tx);
      const end = database.prepare(
        "UPDATE sherd_item SET state = 'done', at = 0, outcome = 'failed' WHERE id = ? AND state <> 'done'",
      );
      return settled.map(({ id, result }) => {
        if (result === "lost") end.run(id);
        return { id, result: result === "lost" ? ("settled" as const) : result };
      });
    },
  });

const pickSql = `
SELECT i.* FROM sherd_item i WHERE i.queue = ? AND i.state = 'ready' AND i.name IN (SELECT value FROM json_each(?))
  AND i.seq NOT IN (SELECT e.value FROM sherd_lease l, json_each(l.items) e)
ORDER BY i.priority DESC, i.seq LIMIT ?`;

/** A claim that reads what is free in one step, and takes it in another. */
export const withoutTheClaimsLock: Mutant = (adapter, database) =>
  withStorage(adapter, {
    async claim(request) {
      const { queue, names, limit, leaseMs, owner } = request;
      const rows = database.prepare(pickSql).all(queue, JSON.stringify(names), limit);
      // Anyone may come in between: the next wake-up is asked for only to let them.
      await adapter.storage.nextWakeInMs(queue, names);
      const lease = crypto.randomUUID();
      if (rows.length > 0) {
        const { now } = database
          .prepare("SELECT coalesce(max(created_at), 0) AS now FROM sherd_item")
          .get() as { now: number };
        const seqs = JSON.stringify(rows.map((row) => row["seq"]));
        database
          .prepare(
            "INSERT INTO sherd_lease (id, queue, owner, expires_at, created_at, items) VALUES (?, ?, ?, ?, ?, ?)",
          )
          .run(lease, queue, owner, now + leaseMs, now, seqs);
      }
      return { items: rows.map((row) => claimedItem(row, lease)), more: rows.length === limit };
    },
  });

function claimedItem(row: Record<string, unknown>, lease: string): ClaimedItem {
  return {
    id: row["id"] as string,
    lease,
    name: row["name"] as string,
    revision: row["revision"] as number,
    failures: row["failures"] as number,
    lost: row["lost"] as number,
    maxAttempts: row["max_attempts"] as number,
    concurrencyKey: row["concurrency_key"] as string | null,
    retry: row["retry"] as string,
    timeoutMs: row["timeout_ms"] as number | null,
    body: row["body"] as string,
    trace: row["trace"] as string | null,
    createdAt: row["created_at"] as number,
  };
}

/** A claim that knows only the leases that it read before it waited for the lock. */
export const withLeasesReadBeforeTheLock: Mutant = (adapter, database) =>
  withStorage(adapter, {
    async claim(request, closed) {
      const read = database.prepare("SELECT id FROM sherd_lease").all();
      const known = new Set(read.map((row) => row["id"] as string));
      await adapter.storage.nextWakeInMs(request.queue, request.names);
      // Leases that came since are out of its sight while it picks.
      const unseen = database
        .prepare("SELECT id, queue FROM sherd_lease")
        .all()
        .filter((row) => !known.has(row["id"] as string));
      const hide = database.prepare("UPDATE sherd_lease SET queue = ? WHERE id = ?");
      for (const row of unseen) hide.run("out of sight", row["id"] as string);
      const claim = await adapter.storage.claim(request, closed);
      for (const row of unseen) hide.run(row["queue"] as string, row["id"] as string);
      return claim;
    },
  });

/** A sweep that gives work back without counting that it was lost. */
export const withoutCountingLosses: Mutant = (adapter, database) =>
  withStorage(adapter, {
    async sweep(queue, limit, maxLost) {
      const sweep = await adapter.storage.sweep(queue, limit, maxLost);
      const uncount = database.prepare(
        "UPDATE sherd_item SET lost = 0, state = CASE WHEN outcome IS 'failed' THEN 'ready' ELSE state END, at = CASE WHEN outcome IS 'failed' THEN NULL ELSE at END, outcome = NULL WHERE id = ?",
      );
      for (const { id } of sweep.lost) uncount.run(id);
      return { ...sweep, lost: sweep.lost.map((lost) => ({ ...lost, lost: 1, end: "ready" as const })) };
    },
  });

/** A heartbeat that brings back a lease that had been ended. */
export const withoutCheckingTheLease =
  (held: Map<string, Set<string>>): Mutant =>
  (adapter, database) =>
    withStorage(adapter, {
      async claim(request, closed) {
        const claim = await adapter.storage.claim(request, closed);
        for (const { lease, id } of claim.items) held.set(lease, (held.get(lease) ?? new Set()).add(id));
        return claim;
      },
      async extend(queue, leases, leaseMs) {
        for (const lease of leases) for (const id of held.get(lease) ?? []) list(database, queue, lease, id);
        return adapter.storage.extend(queue, leases, leaseMs);
      },
    });

/** Hooks are written once the transaction that triggered them has committed, in one of their own. */
export const withTriggersAfterTheCommit: Mutant = (adapter) => {
  const waiting = new WeakMap<Transaction, NewItem[]>();
  return {
    ...withStorage(adapter, {
      async enqueue(tx, items) {
        waiting.set(tx, [...items]);
        return [];
      },
    }),
    async transaction(run) {
      let items: readonly NewItem[] = [];
      const answer = await adapter.transaction(async (tx) => {
        const result = await run(tx);
        items = waiting.get(tx) ?? [];
        return result;
      });
      if (items.length > 0) await adapter.transaction((tx) => adapter.storage.enqueue(tx, items));
      return answer;
    },
  };
};
