/** The plans of the verbs over pulled items, beside a million of the same queue that are not due, and others. */
import { type PulledItem, pullMoves } from "@sherd/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ExplainedDatabase, openExplained } from "./explained.ts";

const queue = "plans";
const fillMs = 60_000;
let database: ExplainedDatabase;
let pull: ExplainedDatabase["adapter"]["pull"];
let explain: ExplainedDatabase["explain"];

beforeAll(async () => {
  database = await openExplained(queue);
  ({ explain } = database);
  ({ pull } = database.adapter);
  // As many again that are pulled: not due for hours, or parked; and some that are held.
  await database.client.unsafe(`
    insert into sherd_item (id, queue, name, key, state, at, phase, max_attempts, retry, body, updated_at)
    select gen_random_uuid(), '${queue}', 'pulled', 'subject ' || n, case when n % 3 = 0 then 'parked' else 'timed' end,
      now() + interval '1 hour' * n, 'succeeded', 1, 'none', '{}', now() from generate_series(1, 200000) n`);
  await database.client.unsafe(`
    with held as (
      insert into sherd_item (id, queue, name, key, state, at, phase, max_attempts, retry, body, updated_at)
      select gen_random_uuid(), '${queue}', 'pulled', 'held ' || n, 'ready', now(), 'leased', 1, 'none', '{}', now()
      from generate_series(1, 500) n returning id
    )
    insert into sherd_lease (id, queue, owner, expires_at, items, revisions, item)
    select gen_random_uuid(), '${queue}', 'somebody', now() + interval '1 hour', array[id], array[0], id from held`);
}, fillMs);

afterAll(() => database.close());

const draft = (key: string) => ({ id: crypto.randomUUID(), key, revision: 0 });
const drafts = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => draft(`${prefix} ${index}`));
const take = (limit: number, leaseMs = 60_000) => pull.pull({ queue, limit, leaseMs, owner: "me" });
const never = { kind: "never" } as const;

describe.each(["before", "after"] as const)("%s the statistics were gathered", (when) => {
  beforeAll(async () => {
    if (when === "after") await database.client.unsafe("vacuum analyze");
  }, fillMs);

  test("drafts find what is there by key", async () => {
    const { answer, plans } = await explain(20, () =>
      pull.put(queue, [...drafts(`put ${when}`, 10), draft("held 1"), draft("subject 3")], true),
    );
    expect(answer).toHaveLength(12);
    expect(plans).toContain("Conflict Arbiter Indexes: sherd_item_key");
    expect(plans).toMatch(/Scan (using|on) sherd_item_key/);
    expect(plans).not.toContain("Seq Scan on sherd_");
    await take(10);
  });

  test("a pull walks the due items in order, and finds expired leases among those of its queue", async () => {
    await pull.put(queue, drafts(`pull ${when}`, 20), true);
    await take(5, 0.001);
    // Of each it writes two rows, of the item and of its lease.
    const { answer, plans } = await explain(40, () => take(20));
    expect(answer).toHaveLength(20);
    expect(answer.filter(({ lost }) => lost === 1)).toHaveLength(5);
    expect(plans).toMatch(/Index Scan using sherd_item_timed .*actual rows=15/);
    expect(plans).toContain("sherd_lease_queue");
    expect(plans).toContain("sherd_lease_item");
    expect(plans).toContain("sherd_item_pkey");
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("a pull of some that became due at one moment reads no other of them, nor does a move of some", async () => {
    const burst = `burst ${when}`;
    await pull.put(burst, drafts("due", 5_000), true);
    const take5 = () => pull.pull({ queue: burst, limit: 5, leaseMs: 60_000, owner: "me" });
    const { answer, plans } = await explain(10, take5);
    expect(answer).toHaveLength(5);
    expect(plans).toMatch(/Index Scan using sherd_item_timed .*actual rows=5/);
    const { plans: moved } = await explain(10, () =>
      pull.move(
        burst,
        answer.map((item) => pullMoves.complete(item, {}, never)),
      ),
    );
    expect(moved).toMatch(/Scan (using|on) sherd_item_key/);
    expect(moved).not.toContain("actual rows=5000");
  });

  test("a pull with nothing due reads no item", async () => {
    const { answer, plans } = await explain(20, () => take(100));
    expect(answer).toEqual([]);
    expect(plans).toMatch(/Index Scan using sherd_item_timed .*actual rows=0/);
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("moves find items by key and leases by item", async () => {
    await pull.put(queue, drafts(`move ${when}`, 20), true);
    const taken = await take(20);
    const half = taken.slice(10);
    const { answer, plans } = await explain(20, () =>
      pull.move(queue, [
        ...taken.slice(0, 10).map((item) => pullMoves.complete(item, {}, never)),
        ...half.map((item: PulledItem) => pullMoves.checkpoint(item, {}, 60_000)),
      ]),
    );
    expect(answer.map(({ result }) => result)).toEqual(Array(20).fill("moved"));
    expect(plans).toMatch(/Scan (using|on) sherd_item_key/);
    expect(plans).toContain("sherd_lease_item");
    expect(plans).not.toContain("Seq Scan on sherd_");
  });

  test("looks go by key", async () => {
    const { plans: found } = await explain(3, () => pull.find(queue, ["held 1", "subject 7", "none"]));
    expect(found).toMatch(/Scan (using|on) sherd_item_key/);
    const { answer, plans: page } = await explain(10, () =>
      pull.page({ queue, phase: null, after: "subject 5", limit: 10 }),
    );
    expect(answer).toHaveLength(10);
    expect(page).toContain("sherd_item_key");
    expect(found + page).not.toContain("Seq Scan on sherd_");
  });

  test("a removal goes by key", async () => {
    await pull.put(queue, drafts(`remove ${when}`, 3), true);
    const { answer, plans } = await explain(3, () =>
      pull.remove(queue, [`remove ${when} 0`, `remove ${when} 1`]),
    );
    expect(answer).toHaveLength(2);
    expect(plans).toMatch(/Scan (using|on) sherd_item_key/);
    expect(plans).toContain("sherd_lease_item");
    expect(plans).not.toContain("Seq Scan on sherd_");
    await pull.remove(queue, [`remove ${when} 2`]);
  });
});
