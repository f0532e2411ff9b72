import { expect, test } from "vitest";
import { durableObjectAdapter } from "../../src/durable-object.ts";
import { claim, ended, enqueue, queue } from "../items.ts";
import { inObject } from "./inside.ts";

/** Texts and rows that are longer are refused by the platform, though not by workerd. */
const longest = 2_000_000;

function checking(storage: DurableObjectStorage) {
  return {
    sql: {
      exec(query: string, ...bindings: SqlStorageValue[]) {
        for (const value of bindings)
          if (typeof value === "string") expect(value.length).toBeLessThanOrEqual(longest);
        return storage.sql.exec(query, ...bindings);
      },
    },
    transaction: <T>(body: () => Promise<T>) => storage.transaction(body),
  };
}

test.each([
  ["ten large payloads that complete at once", Array<number>(10).fill(400_000)],
  ["a hundred payloads that are not small", Array<number>(100).fill(50_000)],
  ["a payload of nearly 2 MB, quotes and all", [1_950_000]],
])("%s fit into texts and rows of 2 MB", async (_, sizes) => {
  await inObject(async (storage) => {
    const adapter = durableObjectAdapter(checking(storage));
    await adapter.migrator.apply([adapter.migrator.kernel]);
    const bodies = sizes.map((size) => JSON.stringify(Array<string>(size / 5).fill("ab")));
    const items = await enqueue(adapter, ...bodies.map((body) => ({ body })));
    const claimed = await claim(adapter);
    expect(claimed.items.map(({ body }) => body)).toEqual(bodies);
    const outcomes = claimed.items.map((item) => ended(item));
    const results = await adapter.storage.settle(queue, outcomes);
    expect(new Set(results.map(({ result }) => result))).toEqual(new Set(["settled"]));
    const rows = storage.sql
      .exec("SELECT length(ids) + length(items) + length(bodies) FROM sherd_history")
      .raw();
    for (const [bytes] of rows) expect(bytes).toBeLessThanOrEqual(longest);
    for (const { id, body } of items)
      expect(await adapter.storage.get(queue, id)).toMatchObject({ outcome: "completed", body });
    const page = await adapter.storage.list(queue, { status: "completed", limit: 100, cursor: null });
    expect(page.items.map(({ id }) => id)).toEqual(items.map(({ id }) => id).toReversed());
  });
});

test("two hundred failures with long stacks fit into texts of 2 MB", async () => {
  await inObject(async (storage) => {
    const adapter = durableObjectAdapter(checking(storage));
    await adapter.migrator.apply([adapter.migrator.kernel]);
    await enqueue(adapter, ...Array<object>(200).fill({}));
    const error = { at: 1, attempt: 1, name: "Error", message: "x".repeat(4_000), stack: "y".repeat(8_000) };
    const { items } = await claim(adapter, { limit: 200 });
    const failed = { state: "ready", outcome: null, failed: true, error } as const;
    const results = await adapter.storage.settle(
      queue,
      items.map((item) => ended(item, failed)),
    );
    expect(results.filter(({ result }) => result === "settled")).toHaveLength(200);
    expect((await adapter.storage.get(queue, items[199]!.id))?.errors).toEqual([error]);
  });
});
