import { DatabaseSync } from "node:sqlite";
import type { ClaimedItem, DatabaseAdapter } from "@sherd/core";
import { beforeEach, expect, test } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { claim, ended, enqueue, newItem, queue } from "./items.ts";

const many = 20_000;
/** As many as a claim of a few looks at. */
const few = 220;
const keyed = { concurrencyKey: "k" };
let database: DatabaseSync;
let adapter: DatabaseAdapter;

beforeEach(async () => {
  database = new DatabaseSync(":memory:");
  adapter = sqliteAdapter(database);
  await adapter.migrator.apply([adapter.migrator.kernel]);
  return async () => {
    await adapter.close();
    database.close();
  };
});

test("behind 20,000 items of a busy key, a few claims later there are few left to walk past", async () => {
  await behindMany();
  await enqueue(adapter, ...Array.from({ length: 5 }, () => ({})));
  const ready = [];
  for (let round = 0; round < 10; round++) {
    const { items } = await claim(adapter, { limit: 5 });
    expect(items).toHaveLength(5);
    await adapter.storage.closeLeases(items.map(({ lease }) => lease));
    ready.push(countOf("ready"));
  }
  // One claim moves a bounded number of them.
  expect(ready[0]).toBeGreaterThan(many - 2_500);
  expect(ready.at(-1)).toBeLessThan(few);
  expect(countOf("blocked")).toBeGreaterThan(many - few);
});

test("each claim of their key lets one follow, so that few are ready at any time", async () => {
  let item = await behindMany();
  while (countOf("ready") > few) await claim(adapter, { limit: 1 });
  const ready = countOf("ready");
  for (let round = 0; round < 20; round++) {
    await adapter.storage.settle(queue, [ended(item)]);
    [item] = (await claim(adapter)).items as [ClaimedItem];
    expect(countOf("ready")).toBe(ready);
  }
});

test("a sweep changes nothing about what is blocked", async () => {
  await behindMany();
  await claim(adapter, { limit: 1 });
  const before = database.prepare("SELECT total_changes() AS changes").get();
  await adapter.storage.sweep(queue, 100, 3);
  expect(database.prepare("SELECT total_changes() AS changes").get()).toEqual(before);
});

test("one that is replaced or cancelled while it is blocked lets no other follow", async () => {
  await enqueue(adapter, keyed);
  await claim(adapter);
  const items = await enqueue(adapter, ...Array.from({ length: 300 }, (_, n) => ({ ...keyed, key: `${n}` })));
  await claim(adapter, { limit: 1 });
  expect(await adapter.storage.cancel(queue, items[1]?.id ?? "")).toBe("cancelled");
  const dueAt = Date.now() + 3_600_000;
  const [again] = await replace({ ...keyed, key: "2", onConflict: "replace", dueAt });
  expect(again?.existingId).toBe(items[2]?.id);
  expect([countOf("ready"), countOf("blocked"), countOf("timed")]).toEqual([2, 297, 1]);
  await replace({ ...keyed, key: "0", onConflict: "replace", dueAt });
  expect([countOf("ready"), countOf("blocked"), countOf("timed")]).toEqual([2, 296, 2]);
});

/** One that is held, and those that wait for its key. */
async function behindMany(): Promise<ClaimedItem> {
  await enqueue(adapter, keyed);
  const { items } = await claim(adapter);
  await enqueue(adapter, ...Array.from({ length: many }, () => keyed));
  const [item] = items as [ClaimedItem];
  return item;
}

function replace(item: Parameters<typeof newItem>[0]) {
  return adapter.transaction((tx) => adapter.storage.enqueue(tx, [newItem(item)]));
}

function countOf(state: string): number {
  const row = database.prepare("SELECT count(*) AS count FROM sherd_item WHERE state = ?").get(state);
  return Number(row?.["count"]);
}
