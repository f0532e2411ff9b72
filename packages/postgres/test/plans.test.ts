/** The plans of the hot statements, with many rows in every state that they must not read. */
import type { ClaimedItem, DatabaseAdapter } from "@sherd/core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresAdapter } from "../src/index.ts";
import { createDatabase } from "./databases.ts";
import { claim, completed, enqueue, newItem, retriedAt } from "./queues.ts";

const queue = "plans";
let database: Awaited<ReturnType<typeof createDatabase>>;
let client: Sql;
let adapter: DatabaseAdapter;
let explained: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  client = postgres(database.url, { max: 1, onnotice: ({ message = "" }) => explained.push(message) });
  adapter = postgresAdapter(drizzle(client), { listen: false });
  await adapter.migrator.apply([adapter.migrator.kernel]);
  await fill();
  await client.unsafe("load 'auto_explain'");
  await client.unsafe(`set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
    set auto_explain.log_level = notice; set client_min_messages = notice`);
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function fill() {
  const rows = (state: string, at: string, outcome: string, count: number) => `
    insert into sherd_item (id, queue, name, key, state, at, outcome, concurrency_key, max_attempts, retry, body)
    select gen_random_uuid(), '${queue}', 'deliver', '${state} ' || n, '${state}', ${at}, ${outcome}, 'key ' || n % 1000,
      1, 'never', '{}' from generate_series(1, ${count}) n`;
  await client.unsafe(rows("done", "now() - n * interval '1 second'", "'failed'", 100_000));
  await client.unsafe(rows("timed", "now() + n * interval '1 hour'", "null", 100_000));
  await client.unsafe(rows("parked", "null", "null", 50_000));
  await client.unsafe(`
    insert into sherd_history (id, queue, name, outcome, priority, attempts, failures, lost, max_attempts, body,
      created_at, finished_at)
    select gen_random_uuid(), '${queue}', 'deliver', 'completed', 0, 1, 0, 0, 1, '{}', now(), now() - n * interval '1 s'
    from generate_series(1, 100000) n`);
}

/** The plans of every statement that `work` ran, also of those inside of functions. */
async function plansOf<T>(work: () => Promise<T>): Promise<{ readonly answer: T; readonly plans: string }> {
  explained = [];
  const answer = await work();
  return { answer, plans: explained.join("\n") };
}

describe.each(["before", "after"] as const)("%s the statistics were gathered", (when) => {
  beforeAll(async () => {
    if (when === "after") await client.unsafe("vacuum analyze");
  }, 60_000);

  test("an enqueue with keys looks them up in their index", async () => {
    const items = [
      newItem(queue, { key: `${when} 1`, onConflict: "ignore" }),
      newItem(queue, { key: "parked 1", onConflict: "ignore" }),
    ];
    const { answer, plans } = await plansOf(() =>
      adapter.transaction((tx) => adapter.storage.enqueue(tx, items)),
    );
    expect(answer).toHaveLength(1);
    expect(plans).toContain("Index Scan using sherd_item_key");
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a claim walks the ready items in order, and reads bodies by id", async () => {
    await enqueue(
      adapter,
      queue,
      ...Array.from({ length: 300 }, (_, n) => ({ concurrencyKey: n % 2 === 0 ? `${when} ${n}` : null })),
    );
    await claim(adapter, queue);
    const { answer, plans } = await plansOf(() => claim(adapter, queue));
    expect(answer).toHaveLength(100);
    expect(plans.match(/Index Scan using sherd_item_ready/g)).toHaveLength(2);
    expect(plans).toMatch(/Index (Only )?Scan using sherd_item_retrying/);
    expect(plans).toContain("sherd_item_pkey");
    expect(plans).not.toContain("Seq Scan on sherd_item");
    expect(plans).not.toContain("Sort Key: priority");
  });

  test("a settle finds leases and items by id", async () => {
    await enqueue(adapter, queue, {}, {});
    const items = (await claim(adapter, queue)) as [ClaimedItem, ClaimedItem];
    const outcomes = items.map((item, index) => (index % 2 === 0 ? completed(item) : retriedAt(item, 1e9)));
    const { plans } = await plansOf(() => adapter.storage.settle(queue, outcomes));
    expect(plans).toContain("sherd_item_pkey");
    expect(plans).toContain("sherd_lease_pkey");
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a sweep reads what is due and whose lease has expired, and no other item", async () => {
    await enqueue(adapter, queue, {});
    await claim(adapter, queue, { leaseMs: 1 });
    const { plans } = await plansOf(() => adapter.storage.sweep(queue, 100, 3));
    expect(plans).toContain("Index Scan using sherd_item_timed");
    expect(plans).toContain("sherd_lease_queue");
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("the next wake reads the first timed item", async () => {
    const { plans } = await plansOf(() => adapter.storage.nextWakeInMs(queue, ["deliver"]));
    expect(plans).toMatch(/sherd_item_ready/);
    const { plans: timed } = await plansOf(() => adapter.storage.nextWakeInMs(queue, ["unknown"]));
    expect(timed).toMatch(/Scan using sherd_item_timed/);
    expect(timed).not.toContain("Seq Scan on sherd_item");
  });

  test("a renewal reads the few items that are to be cancelled, and not those of the leases", async () => {
    await enqueue(adapter, queue, {});
    const [{ id, lease } = { id: "", lease: "" }] = await claim(adapter, queue, { limit: 1 });
    await adapter.storage.cancel(queue, id);
    const { answer, plans } = await plansOf(() => adapter.storage.extend(queue, [lease], 60_000));
    expect(answer).toEqual({ gone: [], cancelled: [id] });
    expect(plans).toMatch(/sherd_item_cancel/);
    expect(plans).not.toContain("Seq Scan on sherd_item");
  });

  test("a wake looks its keys up in their index", async () => {
    const { answer, plans } = await plansOf(() =>
      adapter.storage.wake(queue, [`parked ${when.length}`, "none"]),
    );
    expect(answer).toBe(1);
    expect(plans).toContain("sherd_item_key");
    expect(plans).not.toContain("Seq Scan on sherd_item");
  });

  test("pruning and paging start at their end of the index", async () => {
    const { plans } = await plansOf(async () => {
      await adapter.storage.prune(queue, "failed", 1000, 10);
      await adapter.storage.prune(queue, "completed", 1000, 10);
      const page = await adapter.storage.list(queue, { status: "failed", limit: 10, cursor: null });
      await adapter.storage.list(queue, { status: "failed", limit: 10, cursor: page.cursor });
      await adapter.storage.list(queue, { status: "completed", limit: 10, cursor: null });
    });
    expect(plans).toContain("Index Scan using sherd_item_done");
    expect(plans).toContain("Index Scan Backward using sherd_item_done");
    expect(plans).toMatch(/Scan using sherd_history_finished/);
    expect(plans).toMatch(/Scan Backward using sherd_history_finished/);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });
});
