/** Items that wait behind others of their concurrency key, out of the way of claims, while transactions meet. */
import type { ClaimedItem, DatabaseAdapter, NewItem } from "@sherd/core";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDatabase, drivers, type Opened } from "./databases.ts";
import { claim, completed, enqueue, newItem, signal } from "./queues.ts";

const hourMs = 3_600_000;
const many = 400;
let database: Awaited<ReturnType<typeof createDatabase>>;
let opened: Opened;
let adapter: DatabaseAdapter;
let sql: Sql;
let queue: string;

beforeAll(async () => {
  database = await createDatabase();
  opened = drivers["postgres.js"](database.url, { listen: false });
  ({ adapter } = opened);
  await adapter.migrator.apply([adapter.migrator.kernel]);
  sql = postgres(database.url, { max: 3, onnotice: () => {} });
});

beforeEach(() => void (queue = `blocked/${crypto.randomUUID()}`));

afterAll(async () => {
  await Promise.all([sql.end(), opened.close()]);
  await database.drop();
});

test("behind a busy key the first stays ready and leads, and the others are blocked", async () => {
  const { ids } = await block();
  expect(await states()).toEqual({ ready: 2, blocked: many - 1 });
  expect(await view(ids[0])).toMatchObject({ state: "ready", held: false });
  expect(await view(ids[1])).toMatchObject({ state: "blocked", held: false, dueAt: null });
  expect(await sql`select id from sherd_item where queue = ${queue} and gate = 'leads'`).toEqual([
    { id: ids[0] },
  ]);
});

test("each claim of their key lets one follow, so that few are ready at any time", async () => {
  let { item } = await block();
  for (let round = 0; round < 20; round++) {
    await adapter.storage.settle(queue, [completed(item)]);
    [item] = (await claim(adapter, queue)) as [ClaimedItem];
    expect(await states()).toEqual({ ready: 2, blocked: many - 2 - round });
  }
});

test("one claim blocks a bounded number of items, and the next ones the others", async () => {
  await held();
  await sql`insert into sherd_item (id, queue, name, state, concurrency_key, max_attempts, retry, body)
    select gen_random_uuid(), ${queue}, 'deliver', 'ready', 'k', 2, 'never', '{}' from generate_series(1, 5000)`;
  const blocked = [];
  for (let round = 0; round < 3; round++) {
    await claim(adapter, queue, { limit: 1 });
    blocked.push((await states())["blocked"] ?? 0);
  }
  expect(blocked[0]).toBeGreaterThan(1_900);
  expect(blocked[0]).toBeLessThan(2_500);
  expect(blocked[2]).toBe(4_999);
});

test("when what leads is cancelled, the next one leads", async () => {
  const { ids } = await block();
  expect(await adapter.storage.cancel(queue, ids[0] ?? "")).toBe("cancelled");
  expect(await view(ids[1])).toMatchObject({ state: "ready" });
});

test("what is cancelled while it is blocked leaves all others as they are", async () => {
  const { ids } = await block();
  expect(await adapter.storage.cancel(queue, ids[1] ?? "")).toBe("cancelled");
  expect(await states()).toEqual({ ready: 2, blocked: many - 2 });
});

test("a sweep finds each key led, and writes nothing", async () => {
  let { item } = await block();
  for (let round = 0; round < 3; round++) {
    await adapter.storage.settle(queue, [completed(item)]);
    [item] = (await claim(adapter, queue)) as [ClaimedItem];
  }
  const before = await versions();
  await adapter.storage.sweep(queue, 100, 3);
  expect(await versions()).toEqual(before);
});

test("a claim blocks nothing behind one that an open transaction replaces", async () => {
  const [item] = await held();
  const ids = await enqueue(
    adapter,
    queue,
    ...Array.from({ length: many }, (_, n) => ({ ...keyed, key: `${n}` })),
  );
  await whileReplacing([0], async () => {
    expect(await claim(adapter, queue, { limit: 1 })).toEqual([]);
    expect(await states()).toEqual({ ready: many + 1 });
  });
  await claim(adapter, queue, { limit: 1 });
  expect(await states()).toEqual({ ready: 2, blocked: many - 2, timed: 1 });
  await adapter.storage.settle(queue, [completed(item)]);
  expect(await claimedIds()).toEqual([ids[1]]);
});

test("while an open transaction replaces what leads, others are claimed, and the next follows when it commits", async () => {
  const { item, ids } = await block((n) => ({ key: `${n}` }));
  const [free] = await enqueue(adapter, queue, {});
  await whileReplacing([0], async () => {
    expect(await claimedIds()).toEqual([free]);
  });
  await adapter.storage.settle(queue, [completed(item)]);
  expect(await claimedIds()).toEqual([ids[1]]);
});

test("what leads may be replaced by a transaction of any isolation", async () => {
  for (const level of ["repeatable read", "serializable"] as const) {
    const { item, ids } = await block((n) => ({ key: `${level} ${n}` }));
    await opened.db.transaction(
      async (tx) => {
        await adapter.storage.enqueue(adapter.join(tx), [later(`${level} 0`)]);
      },
      { isolationLevel: level },
    );
    await adapter.storage.settle(queue, [completed(item)]);
    const [next] = (await claim(adapter, queue)) as [ClaimedItem];
    expect(next.id).toBe(ids[1]);
    queue = `${queue}/${level}`;
  }
});

test("a key whose next could not follow, since transactions had all of them locked, goes on after a sweep", async () => {
  const { ids } = await leaveStuck();
  expect(await claimedIds()).toEqual([]);
  await adapter.storage.sweep(queue, 100, 3);
  expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBe(0);
  expect(await claimedIds()).toEqual([ids[1]]);
});

test("what led others that are gone does not pass for what leads those before it", async () => {
  const { ids } = await leaveStuck();
  const [late] = (await enqueue(adapter, queue, keyed)) as [string];
  await sql`update sherd_item set gate = 'leads' where id = ${late}`;
  await adapter.storage.sweep(queue, 100, 3);
  expect(await claimedIds()).toEqual([ids[1]]);
});

test("what is triggered meanwhile does not overtake them, and frees the first of them", async () => {
  const { ids } = await leaveStuck();
  const [late] = await enqueue(adapter, queue, keyed);
  expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBe(50);
  expect(await claimedIds()).toEqual([ids[1]]);
  expect(await view(late)).toMatchObject({ state: "ready", held: false });
});

test("while a transaction has the next one locked, its line waits for it, and no other", async () => {
  const { item, ids } = await block((n) => ({ key: `${n}` }));
  const [free] = await enqueue(adapter, queue, {});
  await whileReplacing([1], async () => {
    await adapter.storage.settle(queue, [completed(item)]);
    const [first] = (await claim(adapter, queue, { limit: 1 })) as [ClaimedItem];
    expect(first.id).toBe(ids[0]);
    await adapter.storage.settle(queue, [completed(first)]);
    // The transaction has made the one after it ready, too.
    expect(await view(ids[3])).toMatchObject({ state: "ready" });
    expect((await claim(adapter, queue, { limit: 1 })).map(({ id }) => id)).toEqual([free]);
    const request = { queue, names: ["deliver"], limit: 1, leaseMs: 60_000, owner: "a worker" };
    expect(await adapter.storage.claim(request, [])).toEqual({ items: [], more: false });
    expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBe(50);
  });
  expect(await claimedIds()).toEqual([ids[2]]);
});

test("a cancellation of what leads does not wait for a transaction that has the next one", async () => {
  const { item, ids } = await block((n) => ({ key: `${n}` }));
  await whileReplacing([1], async () => {
    expect(await adapter.storage.cancel(queue, ids[0] ?? "")).toBe("cancelled");
  });
  await adapter.storage.settle(queue, [completed(item)]);
  expect(await claimedIds()).toEqual([ids[2]]);
});

test("many keys of a thousand items in all are blocked, each behind its own first", async () => {
  const key = (n: number) => ({ concurrencyKey: `k${n % 10}` });
  await enqueue(adapter, queue, ...Array.from({ length: 10 }, (_, n) => key(n)));
  expect(await claim(adapter, queue)).toHaveLength(10);
  const ids = await enqueue(adapter, queue, ...Array.from({ length: 1_000 }, (_, n) => key(n)));
  await claim(adapter, queue, { limit: 1 });
  expect(await states()).toEqual({ ready: 20, blocked: 990 });
  const leading = await sql`select id from sherd_item where queue = ${queue} and gate = 'leads' order by seq`;
  expect(leading.map(({ id }) => id as string)).toEqual(ids.slice(0, 10));
});

const keyed = { concurrencyKey: "k" };

async function held(): Promise<readonly [ClaimedItem]> {
  await enqueue(adapter, queue, keyed);
  return (await claim(adapter, queue)) as [ClaimedItem];
}

/** One that is held, and many that are blocked behind it but for the first. */
async function block(
  make: (n: number) => Partial<NewItem> = () => ({}),
): Promise<{ readonly item: ClaimedItem; readonly ids: readonly string[] }> {
  const [item] = await held();
  const ids = await enqueue(
    adapter,
    queue,
    ...Array.from({ length: many }, (_, n) => ({ ...keyed, ...make(n) })),
  );
  expect(await claim(adapter, queue, { limit: 1 })).toEqual([]);
  return { item, ids };
}

/** Their key is free and none of them is ready: all were locked when the first was claimed. */
async function leaveStuck(): Promise<{ readonly ids: readonly string[] }> {
  const { item, ids } = await block();
  await adapter.storage.settle(queue, [completed(item)]);
  const { fired: locked, fire: tellLocked } = signal();
  const { fired: claimed, fire: tellClaimed } = signal();
  const locking = sql.begin(async (tx) => {
    await tx`select from sherd_item where queue = ${queue} and state = 'blocked' for update`;
    tellLocked();
    await claimed;
  });
  await locked;
  const [first] = (await claim(adapter, queue)) as [ClaimedItem];
  expect(first.id).toBe(ids[0]);
  tellClaimed();
  await locking;
  await adapter.storage.settle(queue, [completed(first)]);
  return { ids };
}

/** Do `work` while a transaction is open that has put them off for an hour, and commit it. */
async function whileReplacing(numbers: readonly number[], work: () => Promise<void>): Promise<void> {
  const { fired: replaced, fire: tellReplaced } = signal();
  const { fired: done, fire: tellDone } = signal();
  const replacing = adapter.transaction(async (tx) => {
    await adapter.storage.enqueue(
      tx,
      numbers.map((n) => later(`${n}`)),
    );
    tellReplaced();
    await done;
  });
  await replaced;
  try {
    await work();
  } finally {
    tellDone();
    await replacing;
  }
}

function later(key: string): NewItem {
  return newItem(queue, { ...keyed, key, dueAt: Date.now() + hourMs, onConflict: "replace" });
}

const view = (id: string | undefined) => adapter.storage.get(queue, id ?? "");
const claimedIds = async () => (await claim(adapter, queue)).map(({ id }) => id);

async function states(): Promise<Readonly<Record<string, number>>> {
  const rows =
    await sql`select state, count(*)::integer as count from sherd_item where queue = ${queue} group by state`;
  return Object.fromEntries(rows.map(({ state, count }) => [state as string, count as number]));
}

/** Changes with every write of an item. */
async function versions(): Promise<readonly unknown[]> {
  return [...(await sql`select id, xmin::text from sherd_item where queue = ${queue} order by id`)];
}
