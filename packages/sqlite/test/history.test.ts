/** The history has one row for all that one settle ended alike. Nobody outside is to notice. */
import { DatabaseSync } from "node:sqlite";
import type { DatabaseAdapter, ItemFilter, ItemView, NewItem } from "@sherd/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { kinds, migrated } from "./databases.ts";
import { claim, ended, enqueue, newItem, queue } from "./items.ts";

const error = { at: 1, attempt: 1, name: "Error", message: 'a "quoted" one' };

/** Complete items of these kinds in one settle; answers their ids in trigger order. */
async function complete(
  adapter: DatabaseAdapter,
  ...overrides: readonly Partial<NewItem>[]
): Promise<string[]> {
  const items = await enqueue(adapter, ...overrides);
  const names = [...new Set(items.map(({ name }) => name))];
  const claimed = (await claim(adapter, { names, limit: items.length })).items;
  await adapter.storage.settle(
    queue,
    claimed.map((item) => ended(item)),
  );
  return items.map(({ id }) => id);
}

async function pages(adapter: DatabaseAdapter, filter: Partial<ItemFilter>): Promise<ItemView[][]> {
  const all: ItemView[][] = [];
  let cursor: string | null = null;
  do {
    const page = await adapter.storage.list(queue, { status: "completed", limit: 3, ...filter, cursor });
    all.push([...page.items]);
    cursor = page.cursor;
  } while (cursor !== null);
  return all;
}

const idsOf = (items: readonly ItemView[]) => items.map(({ id }) => id);

describe.each(Object.entries(kinds))("on %s", (_, open) => {
  test("pages end in the middle of what finished at once, and lose and repeat none", async () => {
    const adapter = await open();
    const ids = [
      ...(await complete(adapter, ...Array<object>(5).fill({}))),
      ...(await complete(adapter, {})),
      ...(await complete(adapter, ...Array<object>(4).fill({}))),
    ];
    for (const limit of [1, 2, 3, 4, 7, 10, 100]) {
      const listed = await pages(adapter, { limit });
      expect(listed.flatMap(idsOf), `pages of ${limit}`).toEqual(ids.toReversed());
      expect(listed).toHaveLength(Math.ceil(10 / limit));
    }
  });

  test("a name is found however much finished without it", async () => {
    const adapter = await open();
    const rare = 'a "rare" näme';
    const [first] = await complete(adapter, { name: rare }, {});
    for (let batch = 0; batch < 12; batch++) await complete(adapter, {}, { name: `not ${rare}` });
    const [last] = await complete(adapter, { name: rare });
    expect((await pages(adapter, { name: rare, limit: 1 })).map(idsOf)).toEqual([[last], [first]]);
    expect(await pages(adapter, { name: "none" })).toEqual([[]]);
  });

  test("everything about an item is kept beside items that have nothing of it", async () => {
    const adapter = await open();
    const everything = {
      key: 'k"\u001e',
      concurrencyKey: "c\t",
      priority: -3,
      body: JSON.stringify({ text: 'ä\u001e\n"\ud83d\ude00' }),
      trace: '{"a":[1]}',
      maxAttempts: 7,
      name: "other",
    };
    const items = await enqueue(adapter, {}, everything);
    const before = await adapter.storage.get(queue, items[1]!.id);
    const first = (await claim(adapter, { names: ["other"] })).items[0]!;
    await adapter.storage.settle(queue, [
      ended(first, { state: "ready", outcome: null, failed: true, error }),
    ]);
    const claimed = (await claim(adapter, { names: ["deliver", "other"] })).items;
    await adapter.storage.settle(
      queue,
      claimed.map((item) => ended(item)),
    );
    const after = { state: "done", outcome: "completed", dueAt: null, finishedAt: expect.any(Number) };
    expect(await adapter.storage.get(queue, items[1]!.id)).toEqual({
      ...before,
      ...after,
      attempts: 2,
      failures: 1,
      errors: [error],
    });
    expect(await adapter.storage.get(queue, items[0]!.id)).toMatchObject({
      ...after,
      attempts: 1,
      body: "{}",
    });
  });

  test("what is pruned goes together, the oldest first, and is counted item by item", async () => {
    const adapter = await open();
    const old = await complete(adapter, {}, {}, {});
    const middle = await complete(adapter, {}, {});
    const recent = await complete(adapter, {});
    const prune = () => adapter.storage.prune(queue, "completed", -60_000, 2);
    expect(await adapter.storage.count(queue)).toMatchObject({ completed: 6, cancelled: 0 });
    expect(await prune()).toBe(3);
    expect((await pages(adapter, {})).flatMap(idsOf)).toEqual([...recent, ...middle.toReversed()]);
    expect(await adapter.storage.get(queue, old[1]!)).toBeNull();
    expect(await adapter.storage.get(queue, middle[1]!)).not.toBeNull();
    expect([await prune(), await prune(), await prune()]).toEqual([2, 1, 0]);
    expect(await adapter.storage.count(queue)).toMatchObject({ completed: 0 });
  });

  test("a finished item is told from one that never was, by cancel and retry", async () => {
    const adapter = await open();
    const [id = ""] = await complete(adapter, {}, {});
    expect(await adapter.storage.cancel(queue, id)).toBe("finished");
    expect(await adapter.storage.retry(queue, id)).toBe("not_failed");
    const other = newItem().id;
    expect(await adapter.storage.cancel(queue, other)).toBe("not_found");
    expect(await adapter.storage.retry(queue, other)).toBe("not_found");
  });
});

test.each([
  ["bodies", { body: JSON.stringify("x".repeat(300_000)) }],
  ["traces", { trace: JSON.stringify("x".repeat(300_000)) }],
])("what finished at once is cut into rows of about a megabyte, with large %s", async (_, large) => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const adapter = await migrated(database);
  const ids = await complete(adapter, ...Array<object>(7).fill(large), {});
  const rows = database
    .prepare(
      "SELECT count, length(ids) + length(items) + length(bodies) AS bytes FROM sherd_history ORDER BY seq",
    )
    .all();
  expect(rows.map(({ count }) => count)).toEqual([3, 3, 2]);
  for (const { bytes } of rows) expect(bytes).toBeLessThan(1_000_000);
  expect((await pages(adapter, {})).flatMap(idsOf)).toEqual(ids.toReversed());
});
