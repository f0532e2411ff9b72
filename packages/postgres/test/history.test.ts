/** The history keeps what one settle ended alike in one row; what is read back are the items. */
import type { AttemptError, ClaimedItem, DatabaseAdapter, ItemView, NewItem } from "@sherd/core";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, drivers, type Opened } from "./databases.ts";
import { claim, completed, enqueue, newItem, retriedAt } from "./queues.ts";

const error: AttemptError = {
  at: 1,
  attempt: 1,
  name: "TypeError",
  code: "E_ODD",
  message: 'not "there"\\, {}',
};

describe.each(["url", "node-postgres"] as const)("over %s", (driver) => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let opened: Opened;
  let adapter: DatabaseAdapter;
  let sql: Sql;

  beforeAll(async () => {
    database = await createDatabase();
    opened = drivers[driver](database.url, { listen: false });
    ({ adapter } = opened);
    await adapter.migrator.apply([adapter.migrator.kernel]);
    sql = postgres(database.url, { max: 1 });
  });

  afterAll(async () => {
    await Promise.all([opened.close(), sql.end()]);
    await database.drop();
  });

  const batches = async (queue: string) =>
    (
      await sql`select outcome, cardinality(ids) as items from sherd_history where queue = ${queue} order by seq`
    ).map(({ outcome, items }) => [outcome, items]);
  const claimAll = (queue: string) =>
    adapter.storage.claim(
      { queue, names: ["deliver", "index"], limit: 100, leaseMs: 60_000, owner: "a worker" },
      [],
    );

  /** All that is listed, by pages of that many. */
  async function pages(
    queue: string,
    status: "completed" | "cancelled",
    limit: number,
    name?: string,
  ): Promise<readonly (readonly ItemView[])[]> {
    const found: (readonly ItemView[])[] = [];
    let cursor: string | null = null;
    do {
      const filter = { status, limit, cursor, ...(name !== undefined && { name }) };
      const page = await adapter.storage.list(queue, filter);
      found.push(page.items);
      ({ cursor } = page);
    } while (cursor !== null);
    return found;
  }

  /** Items of every kind, ended in one settle: what each is to read as, by id. */
  async function endMixed(queue: string): Promise<ReadonlyMap<string, Partial<ItemView>>> {
    const odd = { key: 'a "key", {or} \\ two', concurrencyKey: "NULL", trace: "00-trace,{}", priority: 3 };
    const overrides: readonly Partial<NewItem>[] = [
      { body: '{"n":0,"odd":"\\u0000 \\ud800 \\" {},"}', maxAttempts: 7 },
      { ...odd, body: '"keyed"' },
      { name: "index", body: "null", trace: "" },
      { name: "index", key: "", body: "[2]" },
      { body: "4", key: "failed before" },
      { body: "5", name: "index" },
    ];
    const ids = await enqueue(adapter, queue, ...overrides);
    const first = (await claimAll(queue)).items;
    const byId = (items: readonly ClaimedItem[], n: number) =>
      items.find(({ id }) => id === ids[n]) as ClaimedItem;
    const retried = { ...retriedAt(byId(first, 4), 0), state: "ready" as const, error };
    await adapter.storage.settle(queue, [retried]);
    const again = (await claimAll(queue)).items;
    expect(await adapter.storage.cancel(queue, ids[3] as string)).toBe("requested");
    const held = [...first.filter(({ id }) => id !== ids[4]), ...again];
    const outcomes = held.map((item) =>
      completed(item, item.id === ids[5] ? { error: { ...error, attempt: 9 }, failed: true } : {}),
    );
    expect(await adapter.storage.settle(queue, outcomes)).toHaveLength(6);
    const kept = (n: number, more: Partial<ItemView>): readonly [string, Partial<ItemView>] => {
      const { id, name, key, body, maxAttempts, trace, concurrencyKey, priority } = newItem(queue, {
        ...overrides[n],
        id: ids[n] as string,
      });
      const same = { id, name, key, body, maxAttempts, trace, concurrencyKey, priority };
      return [id, { ...same, attempts: 1, failures: 0, lost: 0, errors: [], outcome: "completed", ...more }];
    };
    return new Map([
      kept(0, {}),
      kept(1, {}),
      kept(2, {}),
      kept(3, { outcome: "cancelled" }),
      kept(4, { attempts: 2, failures: 1, errors: [error] }),
      kept(5, { failures: 1, errors: [{ ...error, attempt: 9 }] }),
    ]);
  }

  test("a mixed batch reads back exactly, one by one and by pages that end in the middle of it", async () => {
    const queue = "mixed";
    const startedAt = Date.now();
    const expected = await endMixed(queue);
    const view = {
      state: "done",
      revision: 0,
      held: false,
      owner: null,
      lease: null,
      claimedRevision: null,
      cancelRequested: false,
    };
    for (const [id, item] of expected) {
      const got = await adapter.storage.get(queue, id);
      expect(got).toEqual({
        ...view,
        ...item,
        queue,
        dueAt: null,
        createdAt: got?.createdAt,
        finishedAt: got?.finishedAt,
      });
      expect(Math.abs((got?.createdAt ?? 0) - startedAt)).toBeLessThan(60_000);
      expect((got?.finishedAt ?? 0) - (got?.createdAt ?? 0)).toBeGreaterThanOrEqual(0);
      expect(await adapter.storage.get("another queue", id)).toBeNull();
    }
    for (const [status, counts] of [
      ["completed", { 1: 5, 2: 3, 3: 2, 5: 1 }],
      ["cancelled", { 1: 1, 2: 1 }],
    ] as const) {
      const some = [...expected.values()].filter(({ outcome }) => outcome === status);
      for (const [limit, count] of Object.entries(counts)) {
        const found = await pages(queue, status, Number(limit));
        expect(found).toHaveLength(count);
        const items = found.flat();
        expect(new Set(items.map(({ id }) => id))).toEqual(new Set(some.map(({ id }) => id)));
        expect(items).toHaveLength(some.length);
        for (const item of items) expect(item).toEqual(await adapter.storage.get(queue, item.id));
      }
    }
  });

  test("a name filter leaves out the others of a batch, on every page", async () => {
    const queue = "filtered";
    const expected = await endMixed(queue);
    for (const name of ["deliver", "index"]) {
      const ids = [...expected.values()]
        .filter((item) => item.name === name && item.outcome === "completed")
        .map(({ id }) => id);
      for (const limit of [1, 2, 10]) {
        const found = await pages(queue, "completed", limit, name);
        expect(
          found
            .flat()
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual(ids.toSorted());
        expect(found.every((page) => page.length > 0)).toBe(true);
      }
    }
    expect(await pages(queue, "completed", 10, "unknown")).toEqual([[]]);
  });

  test("batches are listed newest first, however pages cut them", async () => {
    const queue = "newest";
    const batchesOf: string[][] = [];
    for (let batch = 0; batch < 4; batch++) {
      await enqueue(adapter, queue, {}, {}, {});
      const items = await claim(adapter, queue);
      await adapter.storage.settle(
        queue,
        items.map((item) => completed(item)),
      );
      batchesOf.unshift(items.map(({ id }) => id).toSorted());
    }
    expect(await batches(queue)).toEqual(Array(4).fill(["completed", 3]));
    for (const limit of [1, 2, 3, 4, 5, 12]) {
      const ids = (await pages(queue, "completed", limit)).flat().map(({ id }) => id);
      const thirds = [0, 3, 6, 9].map((start) => ids.slice(start, start + 3).toSorted());
      expect(thirds).toEqual(batchesOf);
    }
  });

  test("an id that is not there is null, also between those of a batch", async () => {
    const queue = "nowhere";
    const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
    await adapter.transaction((tx) =>
      adapter.storage.enqueue(tx, [newItem(queue, { id: id(1) }), newItem(queue, { id: id(5) })]),
    );
    await adapter.storage.settle(
      queue,
      (await claim(adapter, queue)).map((item) => completed(item)),
    );
    expect(await batches(queue)).toEqual([["completed", 2]]);
    for (const n of [0, 3, 9]) {
      expect(await adapter.storage.get(queue, id(n))).toBeNull();
      expect(await adapter.storage.cancel(queue, id(n))).toBe("not_found");
      expect(await adapter.storage.retry(queue, id(n))).toBe("not_found");
    }
    for (const n of [1, 5]) {
      expect(await adapter.storage.get(queue, id(n))).toMatchObject({ id: id(n), outcome: "completed" });
      expect(await adapter.storage.cancel(queue, id(n))).toBe("finished");
      expect(await adapter.storage.retry(queue, id(n))).toBe("not_failed");
    }
  });

  test("a prune takes whole batches, the oldest first, until it has its limit", async () => {
    const queue = "pruned";
    const ids: string[][] = [];
    for (const size of [3, 1, 4, 2]) {
      await enqueue(adapter, queue, ...Array.from({ length: size }, () => ({})));
      const items = await claim(adapter, queue);
      ids.push(items.map((item) => item.id));
      await adapter.storage.settle(
        queue,
        items.map((item) => completed(item)),
      );
    }
    await sql`update sherd_history set finished_at = finished_at - interval '1 hour' where queue = ${queue} and
      ${ids[3]?.[0] ?? ""} <> all(ids)`;
    const left = async () => (await batches(queue)).map(([, items]) => Number(items));
    const prune = (limit: number, olderThanMs = 60_000) =>
      adapter.storage.prune(queue, "completed", olderThanMs, limit);
    expect(await adapter.storage.prune(queue, "cancelled", 0, 100)).toBe(0);
    expect(await adapter.storage.prune("another queue", "completed", 0, 100)).toBe(0);
    expect([await prune(3), await left()]).toEqual([3, [1, 4, 2]]);
    expect([await prune(2), await left()]).toEqual([5, [2]]);
    expect([await prune(2), await left()]).toEqual([0, [2]]);
    expect(await adapter.storage.get(queue, ids[2]?.[0] ?? "")).toBeNull();
    expect(await adapter.storage.get(queue, ids[3]?.[0] ?? "")).toMatchObject({ outcome: "completed" });
    await expect.poll(() => prune(1, 0)).toBe(2);
    expect(await adapter.storage.count(queue)).toMatchObject({ completed: 0 });
  });
});
