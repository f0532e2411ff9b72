/** What is triggered alone in its transaction commits together with what else is, and each hears of its own commit. */
import { type DatabaseAdapter, isSherdError, type NewItem, type StatementBoundary } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { sql as text } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { postgresAdapter, type PostgresDatabase } from "../src/index.ts";
import { createDatabase } from "./databases.ts";
import { claim, newItem } from "./queues.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let client: Sql;
/** Another session's. */
let other: Sql;
let db: PostgresDatabase;
let adapter: DatabaseAdapter;
const boundaries: string[] = [];
let observe: (boundary: StatementBoundary) => void | Promise<void> = () => {};

beforeAll(async () => {
  database = await createDatabase();
  client = postgres(database.url, { max: 5, onnotice: () => {} });
  other = postgres(database.url, { max: 2, onnotice: () => {} });
  db = drizzle(client) as unknown as PostgresDatabase;
  adapter = postgresAdapter(db, {
    listen: false,
    onStatement(boundary) {
      boundaries.push(`${boundary.statement} ${boundary.phase}`);
      return observe(boundary);
    },
  });
  await adapter.migrator.apply([adapter.migrator.kernel]);
});

afterAll(async () => {
  await adapter.close();
  await client.end();
  await other.end();
  await database.drop();
});

beforeEach(() => {
  boundaries.length = 0;
  observe = () => {};
});

/** In a transaction of its own. */
const commit = (...items: readonly NewItem[]) => commitOn(adapter, ...items);
const commitOn = (on: DatabaseAdapter, ...items: readonly NewItem[]) =>
  on.transaction((tx) => on.storage.enqueue(tx, items));
const many = (queue: string, count: number) => Array.from({ length: count }, () => newItem(queue));
const stored = async (queue: string) =>
  (await other`select id from sherd_item where queue = ${queue} order by seq`).map(({ id }) => String(id));
const statements = () => boundaries.filter((boundary) => boundary.endsWith("before"));
/** How a call ends: what it throws, or `committed`. */
const end = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "committed",
    (error: unknown) => (isSherdError(error) ? error.code : ((error as { code?: string }).code ?? error)),
  );

/** Have nobody insert while `work` runs; it gets the backends that wait with an insert. */
async function whileLocked(
  work: (waiting: (count: number) => Promise<readonly number[]>) => Promise<void>,
): Promise<void> {
  const pids = async () =>
    (
      await other`select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into sherd_item%'`
    ).map(({ pid }) => Number(pid));
  const waiting = async (count: number) => {
    await eventually(async () => (await pids()).length === count, { withinMs: 5_000 });
    return pids();
  };
  await other.begin(async (tx) => {
    await tx`lock table sherd_item in share mode`;
    await work(waiting);
  });
}

test("what is triggered at once is two statements, and each is there when its call resolves, in order", async () => {
  const items = many("at once", 50);
  const missing: string[] = [];
  await Promise.all(
    items.map(async (item) => {
      await commit(item);
      const found = await other`select from sherd_item where id = ${item.id}`;
      if (found.count === 0) missing.push(item.id);
    }),
  );
  expect(missing).toEqual([]);
  expect(boundaries.toSorted()).toEqual(["insert after", "insert after", "insert before", "insert before"]);
  const [, ...together] = items;
  const order = (await stored("at once")).filter((id) => id !== items[0]?.id);
  expect(order).toEqual(together.map(({ id }) => id));
});

test("one at a time is a statement each", async () => {
  for (const item of many("one at a time", 3)) await commit(item);
  const one = ["insert before", "insert after"];
  expect(boundaries).toEqual([...one, ...one, ...one]);
});

test("no call resolves before its group has committed", async () => {
  const ended: unknown[] = [];
  let calls: readonly Promise<unknown>[] = [];
  await whileLocked(async (waiting) => {
    calls = many("locked", 10).map((item) => commit(item).then(() => ended.push(item.id)));
    await waiting(2);
    expect(ended).toEqual([]);
  });
  await Promise.all(calls);
  expect(statements()).toHaveLength(2);
  expect(ended).toHaveLength(10);
});

test("items of every kind are stored by a group as they are alone", async () => {
  const inAnHour = Date.now() + 3_600_000;
  const kinds: readonly Partial<NewItem>[] = [
    {},
    { queue: "kinds, too", name: "other" },
    { priority: -7, retry: "none", maxAttempts: Number.MAX_SAFE_INTEGER },
    { timeoutMs: 2 ** 40, releaseKeyOnRetry: true },
    { concurrencyKey: `{"a", 'b'}\\ NULL`, trace: "00-1-2-01" },
    { dueAt: inAnHour },
    { dueAt: 0 },
    {
      body: JSON.stringify({
        text: `quotes " ' \\ {} \u0001 \ud83d\ude00 ${"x".repeat(10_000)}`,
        nul: "\u0000",
      }),
    },
    { body: "null", trace: "" },
  ];
  const make = () => kinds.map((kind) => newItem("kinds", kind));
  const [alone, together] = [make(), make()];
  for (const item of alone) await commit(item);
  boundaries.length = 0;
  await Promise.all([commit(newItem("ahead")), ...together.map((item) => commit(item))]);
  expect(statements()).toHaveLength(2);
  const rows = async (items: readonly NewItem[]) => {
    const ids = items.map(({ id }) => id);
    const found = await other`select *, body::text as text from sherd_item where id = any(${ids}::uuid[])`;
    return ids.map((each) => {
      const row = found.find(({ id }) => id === each);
      return { ...row, text: row?.["text"] as unknown, id: null, seq: null, created_at: null };
    });
  };
  const expected = await rows(alone);
  expect(expected.map(({ text }) => text)).toEqual(alone.map(({ body }) => body));
  expect(await rows(together)).toEqual(expected);
});

test("one that the database refuses fails alone, and units of several hooks are there as a whole or not at all", async () => {
  const taken = newItem("refused");
  await commit(taken);
  const good = many("refused", 6);
  const calls = [
    commit(newItem("refused")),
    ...good.slice(0, 3).map((item) => commit(item)),
    commit(newItem("refused", { id: taken.id })),
    commit(newItem("refused"), newItem("refused", { concurrencyKey: "a\u0000b" })),
    commit(...good.slice(3)),
  ];
  const ends = await Promise.all(calls.map(end));
  expect(ends).toEqual(["committed", "committed", "committed", "committed", "23505", "22021", "committed"]);
  const found = await stored("refused");
  expect(good.filter(({ id }) => !found.includes(id))).toEqual([]);
  expect(found).toHaveLength(2 + good.length);
});

test("without tables each call is told so", async () => {
  const empty = await createDatabase();
  const unmigrated = postgresAdapter(empty.url, { listen: false });
  const ends = many("none", 3).map((item) => end(commitOn(unmigrated, item)));
  expect(await Promise.all(ends)).toEqual(Array(3).fill("NOT_MIGRATED"));
  await unmigrated.close();
  await empty.drop();
});

test("a group whose connection is cut fails each of its calls, and is not sent again", async () => {
  let sent = 0;
  const onStatement = ({ phase }: StatementBoundary) => void (sent += phase === "before" ? 1 : 0);
  const ownClient = postgres(database.url, { max: 2, onnotice: () => {} });
  const cut = postgresAdapter(drizzle(ownClient), { listen: false, onStatement });
  let ends: Promise<readonly unknown[]> = Promise.resolve([]);
  await whileLocked(async (waiting) => {
    ends = Promise.all(many("cut", 10).map((item) => end(commitOn(cut, item))));
    const pids = await waiting(2);
    await other`select pg_terminate_backend(pid, 5000) from unnest(${[...pids]}::integer[]) as pid`;
  });
  expect(await ends).toEqual(Array(10).fill("DATABASE_UNAVAILABLE"));
  expect(sent).toBe(2);
  expect(await stored("cut")).toEqual([]);
  await cut.close();
  await ownClient.end({ timeout: 0 });
});

test("an answer that is lost after the commit rejects each call of the group, and nothing is there twice", async () => {
  const items = many("lost", 5);
  observe = ({ phase }) => (phase === "after" ? Promise.reject(new Error("lost")) : undefined);
  const ends = await Promise.allSettled(items.map((item) => commit(item)));
  expect(ends.map(({ status }) => status)).toEqual(Array(5).fill("rejected"));
  expect(statements()).toHaveLength(2);
  expect((await stored("lost")).toSorted()).toEqual(items.map(({ id }) => id).toSorted());
});

test("what does more than to insert items without keys is a transaction of its own, and fails on its own", async () => {
  const error = new Error("of the user's own");
  const key = { key: "key", onConflict: "error" } as const;
  const calls = [
    ...many("own", 5).map((item) => commit(item)),
    commit(newItem("own", key)),
    commit(newItem("own"), newItem("own", { name: "other" })),
    adapter.transaction(async (tx) => {
      await adapter.storage.enqueue(tx, [newItem("own")]);
      await adapter.storage.enqueue(tx, [newItem("own")]);
    }),
    adapter.transaction(async (tx) => {
      await tx.db.select({ one: text`1` }).from(text`(select) x`);
      await adapter.storage.enqueue(tx, [newItem("own")]);
    }),
    db.transaction((tx) => adapter.storage.enqueue(adapter.join(tx), [newItem("own")])),
    adapter.transaction(async (tx) => {
      await adapter.storage.enqueue(tx, [newItem("rolled back")]);
      throw error;
    }),
  ];
  const ends = await Promise.all(calls.map(end));
  expect(ends).toEqual([...Array<string>(10).fill("committed"), error]);
  expect(await stored("own")).toHaveLength(12);
  expect(await stored("rolled back")).toEqual([]);
  const count = (statement: string) => statements().filter((each) => each === `${statement} before`).length;
  // Two for the five, three in transactions, one of mixed items, one that is joined.
  expect([count("begin"), count("insert"), count("insert-keyed")]).toEqual([4, 7, 1]);
});

test("an insert whose answer does not come holds up no other", async () => {
  const held = Promise.withResolvers<void>();
  let isFirst = true;
  observe = ({ phase }) => {
    if (phase === "before" && isFirst) {
      isFirst = false;
      return held.promise;
    }
    return undefined;
  };
  const [first, ...others] = many("held", 4).map((item) => commit(item));
  await Promise.all(others);
  expect(await stored("held")).toHaveLength(3);
  held.resolve();
  await first;
  expect(await stored("held")).toHaveLength(4);
});

test("closing the adapter while inserts gather ends every call, and what resolved is there", async () => {
  const closing = postgresAdapter(database.url, { listen: false });
  const items = many("closing", 30);
  const calls = items.map((item) => end(closing.transaction((tx) => closing.storage.enqueue(tx, [item]))));
  // Past what calls run through before they insert.
  await new Promise((resolve) => setImmediate(resolve));
  await closing.close();
  const late = end(commitOn(closing, newItem("closing")));
  expect(await Promise.all(calls)).toEqual(Array(30).fill("committed"));
  expect(await stored("closing")).toHaveLength(30);
  expect(await late).toBe("DATABASE_UNAVAILABLE");
});

test("what was gathered is claimed in the order of the calls", async () => {
  await commit(newItem("claimed"));
  const items = many("claimed", 20);
  await Promise.all([commit(newItem("ahead")), ...items.map((item) => commit(item))]);
  const [, ...claimed] = await claim(adapter, "claimed");
  expect(claimed.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
});
