import { DatabaseSync } from "node:sqlite";
import { type DatabaseAdapter, isSherdError } from "@sherd/core";
import { expect, onTestFinished, test } from "vitest";
import { createAdapter } from "../src/adapter.ts";
import { systemClock } from "../src/clock.ts";
import { NodeSqliteConnection } from "../src/connections/node-sqlite.ts";
import { Mutex } from "../src/mutex.ts";
import { untoldNesting } from "../src/nesting.ts";
import { claim, enqueue, queue } from "./items.ts";

/** An adapter as on a host without an async context, which cannot tell who waits for whom. */
async function openUntold(busyTimeoutMs: number): Promise<DatabaseAdapter> {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const adapter = createAdapter({
    connection: new NodeSqliteConnection({
      open: () => database,
      closes: false,
      busy: { timeoutMs: busyTimeoutMs, random: Math.random },
    }),
    mutex: new Mutex(),
    nesting: untoldNesting,
    busyTimeoutMs,
    observer: undefined,
    clock: systemClock,
    changes: () => ({ start: async () => {}, stop: () => {} }),
  });
  await adapter.migrator.apply([adapter.migrator.kernel]);
  return adapter;
}

test("a nested call ends in DATABASE_BUSY after busyTimeoutMs instead of waiting for ever", async () => {
  const adapter = await openUntold(30);
  const nested = adapter.transaction(() => adapter.transaction(async () => "inner"));
  const error = await nested.catch((thrown: unknown) => thrown);
  expect(isSherdError(error, "DATABASE_BUSY") && error.details.waitedMs).toBe(30);
  expect(isSherdError(error) && error.retryable).toBe(true);
});

test("after it the adapter goes on, and the nested call's work was never begun", async () => {
  const adapter = await openUntold(30);
  let begun = 0;
  const nested = adapter.transaction(() => adapter.transaction(async () => (begun += 1)));
  await nested.catch(() => {});
  await enqueue(adapter, {});
  expect((await claim(adapter)).items).toHaveLength(1);
  expect(begun).toBe(0);
});

test("who waits for another's transaction, but not inside it, gets a turn", async () => {
  const adapter = await openUntold(10_000);
  const release = Promise.withResolvers<string>();
  const first = adapter.transaction(() => release.promise);
  const second = adapter.transaction(async () => "second");
  const counted = adapter.storage.count(queue);
  release.resolve("first");
  expect(await Promise.all([first, second])).toEqual(["first", "second"]);
  expect(await counted).toMatchObject({ pending: 0 });
});
