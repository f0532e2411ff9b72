/** What one open transaction may, and may not, keep others from. */
import { isSherdError, type ClaimedItem, type DatabaseAdapter } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, drivers, type Opened } from "./databases.ts";
import { claim, completed, enqueue, newItem, retriedAt, signal } from "./queues.ts";

describe.each(["url", "node-postgres"] as const)("over %s", (driver) => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let opened: Opened;
  let adapter: DatabaseAdapter;
  const statements = new Set<string>();

  beforeAll(async () => {
    database = await createDatabase();
    opened = drivers[driver](database.url, {
      onStatement: ({ statement }) => void statements.add(statement),
    });
    ({ adapter } = opened);
    await adapter.migrator.apply([adapter.migrator.kernel]);
  });

  afterAll(async () => {
    await opened.close();
    await database.drop();
  });

  /** A transaction that has done `work` and stays open until `end` is called, which answers when it has ended. */
  async function open(
    work: (tx: Parameters<Parameters<DatabaseAdapter["transaction"]>[0]>[0]) => Promise<unknown>,
  ) {
    const worked = signal();
    const ended = signal();
    let error: Error | undefined;
    const transaction = adapter.transaction(async (tx) => {
      await work(tx);
      worked.fire();
      await ended.fired;
      if (error) throw error;
    });
    await Promise.race([worked.fired, transaction]);
    return {
      commit: () => (ended.fire(), transaction),
      rollBack: () => ((error = new Error("roll back")), ended.fire(), transaction.catch(() => {})),
    };
  }

  const replaceIn = (queue: string, key: string, body: string) =>
    open((tx) => adapter.storage.enqueue(tx, [newItem(queue, { key, body, onConflict: "replace" })]));

  const outcomes = async (queue: string, ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await adapter.storage.get(queue, id))?.outcome));

  test("the sweep leaves alone a lease that an open transaction holds", async () => {
    const queue = `held/${driver}`;
    await enqueue(adapter, queue, {});
    const [item] = (await claim(adapter, queue, { leaseMs: 1 })) as [ClaimedItem];
    await adapter.transaction(async (tx) => {
      expect(await adapter.storage.hold(tx, item.lease, item.id)).toBe("held");
      expect(await adapter.storage.sweep(queue, 100, 3)).toEqual({ promoted: 0, lost: [], more: false });
      expect(await adapter.storage.settle(queue, [completed(item)], tx)).toEqual([
        { id: item.id, result: "settled" },
      ]);
    });
    expect(await outcomes(queue, [item.id])).toEqual(["completed"]);
    expect(await adapter.storage.sweep(queue, 100, 3)).toEqual({ promoted: 0, lost: [], more: false });
  });

  test("batch-mates settle and renew while transactions hold their lease", async () => {
    const queue = `mates/${driver}`;
    await enqueue(adapter, queue, {}, {}, {}, {});
    const [first, second, third, fourth] = (await claim(adapter, queue)) as [
      ClaimedItem,
      ClaimedItem,
      ClaimedItem,
      ClaimedItem,
    ];
    const one = await open((tx) => adapter.storage.hold(tx, first.lease, first.id));
    const other = await open((tx) => adapter.storage.hold(tx, second.lease, second.id));
    statements.clear();
    expect(await adapter.storage.settle(queue, [completed(third), retriedAt(fourth, 1)])).toEqual([
      { id: third.id, result: "settled" },
      { id: fourth.id, result: "settled" },
    ]);
    expect([...statements]).toEqual(["settle"]);
    expect(await adapter.storage.extend(queue, [first.lease], 60_000)).toEqual({ gone: [], cancelled: [] });
    await one.commit();
    await other.commit();
  });

  test("a lease that another transaction has locked is not gone, and keeps no other from being renewed", async () => {
    const queue = `renewed/${driver}`;
    const claimed = async (leaseMs: number) => {
      await enqueue(adapter, queue, {});
      return (await claim(adapter, queue, { leaseMs }))[0] as ClaimedItem;
    };
    const [locked, free] = [await claimed(60_000), await claimed(1)];
    const transaction = await open((tx) => adapter.storage.settle(queue, [retriedAt(locked, 60_000)], tx));
    const gone = crypto.randomUUID();
    const leases = [locked.lease, free.lease, gone];
    expect(await adapter.storage.extend(queue, leases, 60_000)).toEqual({ gone: [gone], cancelled: [] });
    expect((await adapter.storage.sweep(queue, 100, 3)).lost).toEqual([]);
    await transaction.rollBack();
    expect(await adapter.storage.extend(queue, [locked.lease], 60_000)).toEqual({ gone: [], cancelled: [] });
  });

  test("a row that a user's transaction has locked does not hold up the settle of its batch-mates", async () => {
    const queue = `locked/${driver}`;
    const ids = await enqueue(adapter, queue, { key: "replaced" }, { key: "kept" }, {}, {});
    const items = (await claim(adapter, queue)) as [ClaimedItem, ClaimedItem, ClaimedItem, ClaimedItem];
    const committed = await replaceIn(queue, "replaced", "1");
    const rolledBack = await replaceIn(queue, "kept", "1");
    const [replaced, kept, third, fourth] = items;
    const busy = [completed(replaced), completed(kept)];
    expect(
      await adapter.storage.settle(queue, [...busy, completed(third), retriedAt(fourth, 60_000)]),
    ).toEqual([
      { id: replaced.id, result: "busy" },
      { id: kept.id, result: "busy" },
      { id: third.id, result: "settled" },
      { id: fourth.id, result: "settled" },
    ]);
    expect((await outcomes(queue, ids))[2]).toBe("completed");
    expect(await adapter.storage.get(queue, fourth.id)).toMatchObject({ state: "timed", failures: 1 });
    await committed.commit();
    await rolledBack.rollBack();
    expect(await adapter.storage.settle(queue, busy)).toEqual([
      { id: replaced.id, result: "replaced" },
      { id: kept.id, result: "settled" },
    ]);
    expect(await adapter.storage.get(queue, replaced.id)).toMatchObject({
      state: "ready",
      body: "1",
      held: false,
    });
  });

  test("the sweep counts losses around a row that is locked, and that one's later", async () => {
    const queue = `swept/${driver}`;
    await enqueue(adapter, queue, {}, { key: "locked" });
    await adapter.transaction((tx) =>
      adapter.storage.enqueue(tx, [newItem(queue, { key: "locked", onConflict: "replace" })]),
    );
    const [free, locked] = (await claim(adapter, queue, { leaseMs: 1 })) as [ClaimedItem, ClaimedItem];
    expect(locked.revision).toBe(1);
    const transaction = await replaceIn(queue, "locked", "1");
    expect((await adapter.storage.sweep(queue, 100, 3)).lost).toMatchObject([
      { id: free.id, lost: 1, end: "ready" },
    ]);
    expect((await claim(adapter, queue)).map(({ id }) => id)).toEqual([free.id]);
    await transaction.rollBack();
    expect((await adapter.storage.sweep(queue, 100, 3)).lost).toMatchObject([
      { id: locked.id, lost: 1, end: "ready" },
    ]);
  });

  test("due items are promoted around one that is locked", async () => {
    const queue = `due/${driver}`;
    const soon = Date.now() + 30;
    await enqueue(adapter, queue, { key: "locked", dueAt: soon }, { dueAt: soon });
    const transaction = await replaceIn(queue, "locked", "1");
    await eventually(async () => (await adapter.storage.sweep(queue, 100, 3)).promoted === 1, {
      withinMs: 5000,
    });
    await transaction.commit();
    expect(await claim(adapter, queue)).toHaveLength(2);
  });

  test("a cancellation that must wait for a user's transaction holds up no claim", async () => {
    const queue = `cancelled/${driver}`;
    const [locked] = (await enqueue(adapter, queue, { key: "locked" }, {})) as [string];
    const transaction = await replaceIn(queue, "locked", "1");
    const cancelling = adapter.storage.cancel(queue, locked).catch((error: unknown) => error);
    expect(await claim(adapter, queue, { limit: 1 })).toHaveLength(1);
    expect(isSherdError(await cancelling, "DATABASE_UNAVAILABLE")).toBe(true);
    await transaction.commit();
  });

  test("a claim does not wait for a transaction that holds a lease it is told to close", async () => {
    const queue = `closed/${driver}`;
    await enqueue(adapter, queue, {});
    const [item] = (await claim(adapter, queue)) as [ClaimedItem];
    const transaction = await open((tx) => adapter.storage.hold(tx, item.lease, item.id));
    await enqueue(adapter, queue, {});
    expect(await claim(adapter, queue, { closed: [item.lease] })).toHaveLength(1);
    await transaction.commit();
  });

  test("keys that two batches name in opposite order do not deadlock", async () => {
    const queue = `deadlock/${driver}`;
    const batch = (keys: readonly string[]) =>
      adapter.transaction((tx) =>
        adapter.storage.enqueue(
          tx,
          keys.map((key) => newItem(queue, { key, onConflict: "replace" })),
        ),
      );
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => batch(index % 2 === 0 ? keys : keys.toReversed())),
    );
    expect(await adapter.storage.count(queue)).toMatchObject({ pending: 50 });
  });
});
