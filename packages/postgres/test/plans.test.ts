/** The plans of the hot statements, and what they read, beside more than a million items that they must not. */
import type { ClaimedItem } from "@sherd/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExplainedDatabase, openExplained } from "./explained.ts";
import { finishedId } from "./million-items.ts";
import { claim, completed, enqueue, newItem, retriedAt } from "./queues.ts";

const queue = "plans";
const fillMs = 60_000;
const yearMs = 365 * 86_400_000;
const heldIsHashed = /NOT \(ANY \((?:i\.)?id = \(hashed SubPlan/g;
let database: ExplainedDatabase;
let client: ExplainedDatabase["client"];
let adapter: ExplainedDatabase["adapter"];
let explain: ExplainedDatabase["explain"];

beforeAll(async () => {
  database = await openExplained(queue);
  ({ client, adapter, explain } = database);
}, fillMs);

afterAll(() => database.close());

test("the tables hold what no claim of the queue may take, a million of each", async () => {
  const [row] = await client`select
    (select count(*)::integer from sherd_item where queue <> ${queue} or state <> 'ready') as items,
    (select sum(cardinality(ids))::integer from sherd_history) as finished`;
  expect(row).toEqual({ items: 1_050_000, finished: 1_000_000 });
});

describe.each(["before", "after"] as const)("%s the statistics were gathered", (when) => {
  beforeAll(async () => {
    if (when === "after") await client.unsafe("vacuum analyze");
  }, fillMs);

  test("an enqueue with keys looks them up in their index", async () => {
    const items = [
      newItem(queue, { key: `${when} 1`, onConflict: "ignore" }),
      newItem(queue, { key: "parked 1", onConflict: "ignore" }),
      newItem(queue, { key: "parked 2", onConflict: "replace" }),
    ];
    const { answer, plans } = await explain(3, () =>
      adapter.transaction((tx) => adapter.storage.enqueue(tx, items)),
    );
    expect(answer.map(({ resolution }) => resolution)).toEqual(["ignored", "replaced"]);
    expect(plans).toMatch(/Index Scan (using|on) sherd_item_key .*\n +Index Cond: .*queue = .*AND \(key = /);
    expect(plans.match(/Conflict Arbiter Indexes: sherd_item_key/g)).toHaveLength(3);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a claim walks the ready items in order, and reads bodies by id", async () => {
    await enqueue(
      adapter,
      queue,
      ...Array.from({ length: 300 }, (_, n) => ({ concurrencyKey: n % 2 === 0 ? `${when} ${n}` : null })),
    );
    await claim(adapter, queue);
    const { answer, plans } = await explain(100, () => claim(adapter, queue));
    expect(answer).toHaveLength(100);
    expect(plans.match(/Index Scan using sherd_item_ready/g)).toHaveLength(2);
    expect(plans).toMatch(/Index (Only )?Scan using sherd_item_retrying/);
    expect(plans).toMatch(/Index (Only )?Scan using sherd_item_suspect/);
    expect(plans).toContain("sherd_lease_queue");
    expect(plans.match(/Index Scan using sherd_item_pkey/g)).toHaveLength(2);
    expect(plans.match(heldIsHashed)).toHaveLength(2);
    expect(plans).toMatch(/concurrency_key = \(hashed SubPlan/);
    expect(plans).not.toContain("Seq Scan on sherd_");
    expect(plans).not.toMatch(/Sort Key: (i\.)?priority/);
  });

  test("a claim of what has no concurrency keys picks it with one walk, and closes leases by id", async () => {
    const plain = `plain ${when}`;
    await enqueue(adapter, plain, ...Array.from({ length: 30 }, () => ({})));
    const [{ lease } = { lease: "" }] = await claim(adapter, plain, { limit: 10 });
    const { answer, plans } = await explain(10, () => claim(adapter, plain, { limit: 10, closed: [lease] }));
    expect(answer).toHaveLength(10);
    expect(plans.match(/Index Scan using sherd_item_ready/g)).toHaveLength(1);
    expect(plans.match(heldIsHashed)).toHaveLength(1);
    expect(plans).toContain("sherd_lease_queue");
    expect(plans).toContain("sherd_lease_pkey");
    expect(plans).not.toContain("sherd_item_pkey");
    expect(plans).not.toContain("sherd_item_retrying");
    expect(plans).not.toContain("Seq Scan on sherd_");
    expect(plans).not.toMatch(/Sort Key: (i\.)?priority/);
    // Made once a connection: a plan for the values at hand would show them.
    expect(plans).not.toContain(`queue = '${plain}'`);
  });

  test("behind 20,000 items of a busy key, a few claims later a claim reads as little as without them", async () => {
    const deep = `deep ${when}`;
    const busy = { concurrencyKey: "busy" };
    await enqueue(adapter, deep, busy);
    await claim(adapter, deep);
    await client`insert into sherd_item (id, queue, name, state, concurrency_key, max_attempts, retry, body)
      select gen_random_uuid(), ${deep}, 'deliver', 'ready', 'busy', 2, 'never', '{}' from generate_series(1, 20000)`;
    await enqueue(
      adapter,
      deep,
      ...Array.from({ length: 1_500 }, (_, n) => ({ concurrencyKey: `free ${n}` })),
    );
    const deepPlans: string[] = [];
    for (let claimed = 0; claimed < 12; claimed++) {
      const { items, more } = await adapter.storage.claim(
        { queue: deep, names: ["deliver"], limit: 100, leaseMs: 60_000, owner: "a worker" },
        [],
      );
      expect([items.length, more]).toEqual([100, true]);
      await adapter.storage.closeLeases(items.map(({ lease }) => lease));
      deepPlans.push(...database.seen());
    }
    // The statement that moves them out of the way finds them in order, and each by its id.
    const blocking = deepPlans.join("\n");
    expect(blocking).toMatch(/WindowAgg[^]*Index Scan using sherd_item_ready/);
    expect(blocking).toMatch(/Update on sherd_item i[^]*Index Scan using sherd_item_pkey/);
    expect(blocking).not.toContain("Seq Scan on sherd_");
    const [ready] = await client`select count(*)::integer as count from sherd_item i
      where queue = ${deep} and state = 'ready' and concurrency_key = 'busy'`;
    expect(ready).toEqual({ count: 2 });
    const { answer, plans } = await explain(100, () => claim(adapter, deep));
    expect(answer).toHaveLength(100);
    expect(plans).not.toContain("Seq Scan on sherd_");
    expect(plans).not.toContain("first_value");
    const { plans: cancelled } = await explain(1, () => adapter.storage.cancel(deep, answer[0]?.id ?? ""));
    expect(cancelled).not.toContain("Seq Scan on sherd_");
    const { plans: swept } = await explain(1, () => adapter.storage.sweep(deep, 100, 3));
    expect(swept).toMatch(/Index (Only )?Scan using sherd_item_blocked/);
    expect(swept).toMatch(/Index Scan using sherd_item_leading/);
    expect(swept).not.toContain("Seq Scan on sherd_");
  });

  test("leases that are closed on their own are deleted by id", async () => {
    await enqueue(adapter, queue, {}, {});
    const [{ lease } = { lease: "" }] = await claim(adapter, queue, { limit: 1 });
    const { plans } = await explain(1, () => adapter.storage.closeLeases([lease]));
    expect(plans).toMatch(/Delete on sherd_lease[^]*actual rows=1\.00[^]*sherd_lease_pkey/);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a settle of plain completions deletes items by id, and writes one row of history", async () => {
    const plain = `plain ends ${when}`;
    await enqueue(adapter, plain, ...Array.from({ length: 20 }, () => ({})));
    const items = await claim(adapter, plain);
    const { plans } = await explain(20, () =>
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
    const { plans } = await explain(items.length, () => adapter.storage.settle(queue, outcomes));
    expect(plans).toContain("sherd_item_pkey");
    expect(plans).toContain("sherd_lease_pkey");
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("an attempt that ends in the user's transaction holds and settles its item by id", async () => {
    await enqueue(adapter, queue, {});
    const [item] = (await claim(adapter, queue, { limit: 1 })) as [ClaimedItem];
    const { answer, plans } = await explain(1, () =>
      adapter.transaction(async (tx) => [
        await adapter.storage.hold(tx, item.lease, item.id),
        await adapter.storage.settle(queue, [completed(item)], tx),
      ]),
    );
    expect(answer).toEqual(["held", [{ id: item.id, result: "settled" }]]);
    expect(plans).toMatch(/Index Scan using sherd_lease_pkey on sherd_lease l /);
    expect(plans).toMatch(/Delete on sherd_item[^]*sherd_item_pkey/);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a sweep reads what is due and whose lease has expired, and no other item", async () => {
    const swept = `swept ${when}`;
    await enqueue(adapter, swept, {}, {});
    const [due] = (await claim(adapter, swept, { limit: 1 })) as [ClaimedItem];
    await adapter.storage.settle(swept, [retriedAt(due, 0)]);
    const [late] = (await claim(adapter, swept, { limit: 1, leaseMs: 0.001 })) as [ClaimedItem];
    const { answer, plans } = await explain(2, () => adapter.storage.sweep(swept, 100, 3));
    expect(answer).toMatchObject({ promoted: 1, lost: [{ id: late.id }] });
    expect(plans).toMatch(/Index Scan using sherd_item_timed .*actual rows=1\.00/);
    expect(plans).toContain("sherd_lease_queue");
    expect(plans.match(/Index Scan using sherd_item_pkey/g)?.length).toBeGreaterThanOrEqual(4);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a sweep with nothing to do reads no item at all", async () => {
    const { answer, plans } = await explain(0, () => adapter.storage.sweep(queue, 100, 3));
    expect(answer).toEqual({ promoted: 0, lost: [], more: false });
    expect(plans).toMatch(/Index Scan using sherd_item_timed .*actual rows=0\.00/);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("the next wake reads the first timed item", async () => {
    const { plans } = await explain(1, () => adapter.storage.nextWakeInMs(queue, ["deliver"]));
    expect(plans).toMatch(/sherd_item_ready/);
    const { plans: timed } = await explain(1, () => adapter.storage.nextWakeInMs(queue, ["unknown"]));
    expect(timed).toMatch(/Scan using sherd_item_timed .*actual rows=1\.00/);
    expect(timed).not.toContain("Seq Scan on sherd_item");
  });

  test("a renewal reads the few items that are to be cancelled, and not those of the leases", async () => {
    await enqueue(adapter, queue, {});
    const [{ id, lease } = { id: "", lease: "" }] = await claim(adapter, queue, { limit: 1 });
    await adapter.storage.cancel(queue, id);
    const { answer, plans } = await explain(1, () => adapter.storage.extend(queue, [lease], 60_000));
    expect(answer).toEqual({ gone: [], cancelled: [id] });
    expect(plans).toMatch(/sherd_item_cancel/);
    expect(plans).toMatch(/Index Scan using sherd_lease_pkey/);
    expect(plans).not.toContain("Seq Scan on sherd_item");
  });

  test("a look at one finds it by id, also in the history, and where it is not", async () => {
    const known = finishedId(500_050);
    const unknown = finishedId(500_050, 1);
    const { answer, plans } = await explain(1, () => adapter.storage.get(queue, known));
    expect(answer).toMatchObject({ id: known, outcome: "completed" });
    const { answer: missing, plans: others } = await explain(1, async () => [
      await adapter.storage.get(queue, unknown),
      await adapter.storage.cancel(queue, unknown),
      await adapter.storage.retry(queue, unknown),
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
    const { answer, plans } = await explain(1, () =>
      adapter.storage.wake(queue, [`parked ${10 + when.length}`, "none"]),
    );
    expect(answer).toBe(1);
    expect(plans).toContain("sherd_item_key");
    expect(plans).not.toContain("Seq Scan on sherd_item");
  });

  test("pruning and paging start at their end of the index", async () => {
    const { plans: pruned } = await explain(10, async () => {
      await adapter.storage.prune(queue, "failed", 1000, 10);
      await adapter.storage.prune(queue, "completed", 1000, 10);
    });
    expect(pruned).toContain("Index Scan using sherd_item_done");
    expect(pruned).toMatch(/Scan using sherd_history_finished/);
    expect(pruned).toContain("Index Scan using sherd_history_pkey");
    expect(pruned).not.toContain("Seq Scan on sherd_");
    // Without statistics the first page of failed items is sorted out of all of them.
    const { plans: listed } = await explain(when === "before" ? Infinity : 10, async () => {
      const page = await adapter.storage.list(queue, { status: "failed", limit: 10, cursor: null });
      await adapter.storage.list(queue, { status: "failed", limit: 10, cursor: page.cursor });
      const finished = await adapter.storage.list(queue, { status: "completed", limit: 10, cursor: null });
      expect(finished.items).toHaveLength(10);
      await adapter.storage.list(queue, { status: "completed", limit: 10, cursor: finished.cursor });
    });
    expect(listed).toContain("Index Scan Backward using sherd_item_done");
    expect(listed.match(/Scan Backward using sherd_history_finished/g)).toHaveLength(2);
    expect(listed).not.toContain("Seq Scan on sherd_");
  });

  test("pruning looks at nothing that is not old enough", async () => {
    const { answer, plans } = await explain(0, async () => [
      await adapter.storage.prune(queue, "failed", yearMs, 10),
      await adapter.storage.prune(queue, "completed", yearMs, 10),
    ]);
    expect(answer).toEqual([0, 0]);
    expect(plans).toMatch(/Scan using sherd_item_done .*actual rows=0/);
    expect(plans).toMatch(/Scan using sherd_history_finished .*actual rows=0/);
    expect(plans).not.toContain("Rows Removed by Filter");
  });
});
