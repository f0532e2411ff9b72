/** The plans of the hot statements, with many rows in every state that they must not read. */
import type { ClaimedItem, DatabaseAdapter } from "@sherd/core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresAdapter } from "../src/index.ts";
import { createDatabase } from "./databases.ts";
import { claim, completed, enqueue, newItem, retriedAt } from "./queues.ts";

const queue = "plans";
const yearMs = 365 * 86_400_000;
const heldIsHashed = /NOT \(ANY \(id = \(hashed SubPlan/g;
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
  // As settles leave them: a row for a hundred.
  await client.unsafe(`
    insert into sherd_history (queue, outcome, finished_at, first_id, last_id, ids, names, keys, priorities, concurrency_keys,
      attempts, failures, lost, max_attempts, errors, bodies, traces, created_at)
    select '${queue}', 'completed', now() - n * interval '1 s', min(id::text)::uuid, max(id::text)::uuid, array_agg(id),
      array_agg('deliver'::text), array_agg(null::text), array_agg(0), array_agg(null::text), array_agg(1), array_agg(0),
      array_agg(0), array_agg(1), array_agg(null::jsonb), array_agg('{}'::json), array_agg(null::text), array_agg(now())
    from generate_series(1, 1000) n cross join lateral (
      select lpad(to_hex(n * 100 + item), 8, '0') || '-0000-4000-8000-000000000000' as text from generate_series(1, 100) item
    ) i cross join lateral (select i.text::uuid as id) u group by n`);
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
    expect(plans).toMatch(/Index (Only )?Scan using sherd_item_suspect/);
    expect(plans).toContain("sherd_lease_queue");
    expect(plans).toContain("sherd_item_pkey");
    expect(plans.match(heldIsHashed)).toHaveLength(2);
    expect(plans).toMatch(/concurrency_key = \(hashed SubPlan/);
    expect(plans).not.toContain("Seq Scan on sherd_");
    expect(plans).not.toMatch(/Sort Key: (i\.)?priority/);
  });

  test("a claim of what has no concurrency keys picks it with one walk, and closes leases by id", async () => {
    const plain = `plain ${when}`;
    await enqueue(adapter, plain, ...Array.from({ length: 30 }, () => ({})));
    const [{ lease } = { lease: "" }] = await claim(adapter, plain, { limit: 10 });
    const { answer, plans } = await plansOf(() => claim(adapter, plain, { limit: 10, closed: [lease] }));
    expect(answer).toHaveLength(10);
    expect(plans.match(/Index Scan using sherd_item_ready/g)).toHaveLength(1);
    expect(plans.match(heldIsHashed)).toHaveLength(1);
    expect(plans).toContain("sherd_lease_queue");
    expect(plans).toContain("sherd_lease_pkey");
    expect(plans).toContain("sherd_item_pkey");
    expect(plans).not.toContain("sherd_item_retrying");
    expect(plans).not.toContain("Seq Scan on sherd_");
    expect(plans).not.toMatch(/Sort Key: (i\.)?priority/);
    // Made once a connection: a plan for the values at hand would show them.
    expect(plans).not.toContain(`queue = '${plain}'`);
  });

  test("a settle of plain completions deletes items by id, and writes one row of history", async () => {
    const plain = `plain ends ${when}`;
    await enqueue(adapter, plain, ...Array.from({ length: 20 }, () => ({})));
    const items = await claim(adapter, plain);
    const { plans } = await plansOf(() =>
      adapter.storage.settle(
        plain,
        items.map((item) => completed(item)),
      ),
    );
    expect(plans).toMatch(/Delete on sherd_item[^]*sherd_item_pkey/);
    expect(plans).toContain("sherd_lease_pkey");
    expect(plans).toContain("hashed SubPlan");
    expect(plans).not.toContain("sherd_settle_rest_v1");
    expect(plans).not.toContain("Seq Scan on sherd_");
    expect(plans).not.toContain(`queue = '${plain}'`);
    expect(await client`select cardinality(ids) as items from sherd_history where queue = ${plain}`).toEqual([
      { items: 20 },
    ]);
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

  test("a look at one finds it by id, also in the history, and where it is not", async () => {
    const known = `${(500 * 100 + 50).toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
    const { answer, plans } = await plansOf(() => adapter.storage.get(queue, known));
    expect(answer).toMatchObject({ id: known, outcome: "completed" });
    const { answer: missing, plans: others } = await plansOf(async () => [
      await adapter.storage.get(queue, crypto.randomUUID()),
      await adapter.storage.cancel(queue, crypto.randomUUID()),
      await adapter.storage.retry(queue, crypto.randomUUID()),
    ]);
    expect(missing).toEqual([null, "not_found", "not_found"]);
    for (const plan of [plans, others]) {
      expect(plan).toContain("Index Scan using sherd_item_pkey");
      expect(plan).toMatch(/Scan (using|on) sherd_history_ids/);
      expect(plan).not.toContain("Seq Scan on sherd_item");
      expect(plan).not.toContain("Seq Scan on sherd_history");
    }
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
      const finished = await adapter.storage.list(queue, { status: "completed", limit: 10, cursor: null });
      expect(finished.items).toHaveLength(10);
      await adapter.storage.list(queue, { status: "completed", limit: 10, cursor: finished.cursor });
    });
    expect(plans).toContain("Index Scan using sherd_item_done");
    expect(plans).toContain("Index Scan Backward using sherd_item_done");
    expect(plans).toMatch(/Scan using sherd_history_finished/);
    expect(plans).toContain("Index Scan using sherd_history_pkey");
    expect(plans.match(/Scan Backward using sherd_history_finished/g)).toHaveLength(2);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("pruning looks at nothing that is not old enough", async () => {
    await client.unsafe("set auto_explain.log_analyze = on; set auto_explain.log_timing = off");
    const { answer, plans } = await plansOf(async () => [
      await adapter.storage.prune(queue, "failed", yearMs, 10),
      await adapter.storage.prune(queue, "completed", yearMs, 10),
    ]);
    await client.unsafe("set auto_explain.log_analyze = off");
    expect(answer).toEqual([0, 0]);
    expect(plans).toMatch(/Scan using sherd_item_done .*actual rows=0/);
    expect(plans).toMatch(/Scan using sherd_history_finished .*actual rows=0/);
    expect(plans).not.toContain("Rows Removed by Filter");
  });
});
