import { AsyncLocalStorage } from "node:async_hooks";
import { isSherdError, type WakeReason } from "@sherd/core";
import { eventually } from "@sherd/testing";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresAdapter, type PostgresAdapterOptions } from "../src/index.ts";
import { createDatabase, drivers, openPglite } from "./databases.ts";

const withinMs = 10_000;
let database: Awaited<ReturnType<typeof createDatabase>>;
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1 });
});

afterAll(async () => {
  await sql.end();
  await database.drop();
});

const listeners = () => sql<{ pid: number }[]>`
  select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%'`;

async function subscribed(
  queue: string,
  open = (options?: PostgresAdapterOptions) => postgresAdapter(database.url, options),
) {
  const adapter = open();
  const heard: WakeReason[] = [];
  const errors: unknown[] = [];
  const unsubscribe = await adapter.notifier.subscribe(
    queue,
    (reason) => heard.push(reason),
    (error) => errors.push(error),
  );
  return { adapter, heard, errors, unsubscribe };
}

test("what a hint starts is no part of the transaction that it was given in", async () => {
  const context = new AsyncLocalStorage<string>();
  const adapter = postgresAdapter(database.url, { listen: false });
  const found: unknown[] = [];
  await adapter.notifier.subscribe(
    "context",
    () => found.push(context.getStore()),
    () => {},
  );
  await context.run("a transaction", async () => adapter.notifier.publish("context", "work"));
  await eventually(() => found.length > 0, { withinMs });
  expect(found).toEqual([undefined]);
  await adapter.close();
});

test("a hint reaches another process, through any driver that was given a URL to listen at", async () => {
  const queue = "other process";
  const one = drivers["node-postgres"](database.url, { listen: database.url });
  const { adapter, heard } = await subscribed(queue, () => one.adapter);
  const publisher = drivers["postgres.js"](database.url);
  publisher.adapter.notifier.publish(queue, "work");
  publisher.adapter.notifier.publish(queue, "cancel");
  await eventually(() => heard.includes("work") && heard.includes("cancel"), { withinMs });
  await adapter.close();
  await Promise.all([one.close(), publisher.close()]);
});

test("a hint that goes with a transaction reaches another process when that commits, and never when it rolls back", async () => {
  const publisher = postgresAdapter(database.url);
  const committed = await subscribed("committed");
  const rolledBack = await subscribed("rolled back");
  const rollingBack = publisher.transaction(async (tx) => {
    await publisher.notifier.publishOnCommit(tx, "rolled back");
    throw new Error("roll back");
  });
  await expect(rollingBack).rejects.toThrow("roll back");
  await publisher.transaction((tx) => publisher.notifier.publishOnCommit(tx, "committed"));
  await eventually(() => committed.heard.length > 0, { withinMs });
  expect(rolledBack.heard).toEqual([]);
  await Promise.all([publisher.close(), committed.adapter.close(), rolledBack.adapter.close()]);
});

test("of a burst the first hint is sent at once, the others in one statement, before the adapter is closed", async () => {
  let notifies = 0;
  const { adapter: hearing, heard } = await subscribed("burst");
  const { heard: others } = await subscribed("another", () => hearing);
  const publisher = postgresAdapter(database.url, {
    onStatement: ({ statement, phase }) =>
      void (notifies += statement === "notify" && phase === "before" ? 1 : 0),
  });
  publisher.notifier.publish("burst", "work");
  expect(notifies).toBe(1);
  for (let hint = 0; hint < 100; hint++) publisher.notifier.publish("another", "work");
  publisher.notifier.publish("x".repeat(9000), "work");
  await publisher.close();
  expect(notifies).toBe(2);
  await eventually(() => others.length > 0, { withinMs });
  expect([heard, others]).toEqual([["work"], ["work"]]);
  await hearing.close();
});

test("all subscriptions share one connection, which ends with the last of them", async () => {
  const { adapter, unsubscribe } = await subscribed("one");
  const second = await adapter.notifier.subscribe(
    "two",
    () => {},
    () => {},
  );
  await eventually(async () => (await listeners()).length === 1, { withinMs });
  await unsubscribe();
  expect(await listeners()).toHaveLength(1);
  await second();
  await eventually(async () => (await listeners()).length === 0, { withinMs });
  await adapter.close();
});

test("who listened over a connection that was lost is told, woken once it is made anew, and hears again", async () => {
  const { adapter, heard, errors } = await subscribed("reconnect");
  const before = await listeners();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where pid = ${before[0]?.pid ?? 0}`;
  await eventually(() => heard.includes("work") && heard.includes("cancel"), { withinMs });
  expect(errors.some((error) => isSherdError(error, "DATABASE_UNAVAILABLE"))).toBe(true);
  heard.length = 0;
  const publisher = postgresAdapter(database.url);
  publisher.notifier.publish("reconnect", "work");
  await eventually(() => heard.includes("work"), { withinMs });
  await Promise.all([adapter.close(), publisher.close()]);
});

test("an address that cannot be listened at breaks nothing", async () => {
  const { adapter, heard, errors } = await subscribed("deaf", () =>
    postgresAdapter(database.url, { listen: "postgres://127.0.0.1:1/nowhere" }),
  );
  await eventually(() => errors.length > 0, { withinMs });
  expect(isSherdError(errors[0], "DATABASE_UNAVAILABLE")).toBe(true);
  adapter.notifier.publish("deaf", "work");
  await eventually(() => heard.includes("work"), { withinMs });
  await adapter.close();
});

test("without a way to listen, hints stay in the process", async () => {
  const { adapter, db, close } = openPglite();
  const heard: WakeReason[] = [];
  const unsubscribe = await adapter.notifier.subscribe(
    "local",
    (reason) => heard.push(reason),
    () => {},
  );
  await db.transaction(async (tx) => adapter.notifier.publishOnCommit(adapter.join(tx), "local"));
  await eventually(() => heard.includes("work"), { withinMs });
  await unsubscribe();
  await close();
});
