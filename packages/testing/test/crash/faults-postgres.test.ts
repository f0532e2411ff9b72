import type { Database } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { eq, sql } from "drizzle-orm";
import { integer, pgTable } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../../src/eventually.ts";
import { expectWhole, openCrashTest } from "./open-crash-test.ts";
import { type Order, queue } from "./orders.ts";

const soon = { withinMs: 10_000 };
const account = pgTable("app_account", {
  id: integer("id").primaryKey(),
  balance: integer("balance").notNull(),
});
const many = (order: Order, count: number) => Array.from({ length: count }, () => order);

/** A client of the test's own, and the backends of others that wait for a lock which it has. */
function openClient(location: string) {
  const client = postgres(location, { max: 3, onnotice: () => {}, connection: { application_name: "test" } });
  onTestFinished(() => client.end({ timeout: 1 }));
  const waiting = (text: string) => client`select pid from pg_stat_activity
    where datname = current_database() and application_name <> 'test' and wait_event_type = 'Lock'
    and query like ${`%${text}%`}`;
  return { client, waiting };
}

/** Terminate the first backend that waits with this statement in the middle of a transaction that `lock` holds up. */
async function terminateWaiting(
  { client, waiting }: ReturnType<typeof openClient>,
  statement: string,
  lock: (tx: Sql) => Promise<unknown>,
  meanwhile: () => void,
): Promise<void> {
  await client.begin(async (tx) => {
    await lock(tx as unknown as Sql);
    meanwhile();
    const backend = await eventually(async () => (await waiting(statement))[0], soon);
    await client`select pg_terminate_backend(${backend?.["pid"]})`;
    await eventually(
      async () => (await client`select 1 from pg_stat_activity where pid = ${backend?.["pid"]}`).length === 0,
      soon,
    );
  });
}

const queueLock = (tx: Sql) => tx`select sherd_lock_v1(${queue})`;
const tableLock = (table: string) => (tx: Sql) => tx.unsafe(`lock table ${table} in access exclusive mode`);

it.each([
  ["a claim", "sherd_claim_v1", queueLock, "once"],
  ["a settle", "sherd_settle_v1", tableLock("sherd_history"), "record"],
  ["ctx.transaction", "orders_effect", tableLock("orders_effect"), "once"],
  ["a sweep", "sherd_sweep_v1", tableLock("sherd_lease"), "once"],
] as const)(
  "a backend that is terminated in the middle of %s costs nobody a hook",
  async (_, statement, lock, act) => {
    const { location, journal, open, poll } = await openCrashTest("PostgreSQL");
    const test = openClient(location);
    const shop = open();
    await shop.place(...many({ act, note: "here before" }, 20));
    await terminateWaiting(test, statement, lock, () => void poll());
    await shop.place(...many({ act, note: "there after" }, 20));
    const { hooks } = await expectWhole(shop, journal);
    expect(hooks.filter(({ status }) => status === "completed")).toHaveLength(40);
  },
  30_000,
);

it("a backend that is terminated in the middle of a trigger's transaction fails it whole", async () => {
  const { location, journal, open } = await openCrashTest("PostgreSQL");
  const test = openClient(location);
  const shop = open();
  await shop.place({ act: "once", note: "kept" });
  let refused: Promise<unknown> = Promise.resolve();
  await terminateWaiting(test, "orders_order", tableLock("orders_order"), () => {
    refused = shop.place({ act: "once", note: "cut" }).catch((error: unknown) => error);
  });
  expect(await refused).toBeInstanceOf(Error);
  await shop.processor.processDue();
  const { committed, hooks } = await expectWhole(shop, journal);
  expect(committed.map(({ note }) => note)).toEqual(["kept"]);
  expect(hooks).toHaveLength(1);
}, 30_000);

it.each([
  { max: 1, what: "is lost, and takes effect once" },
  { max: 2, what: "keeps its lease, as the kernel has connections of its own" },
])(
  "with a pool of $max that users' transactions keep for longer than a lease, what runs $what",
  async ({ max }) => {
    const { location, journal, poll, open } = await openCrashTest("PostgreSQL");
    const { client } = openClient(location);
    const { promise: taken, resolve: goOn } = Promise.withResolvers<void>();
    let inHandlers = 0;
    const { shop } = poll({
      adapter: postgresAdapter(location, { max }),
      durableHooks: { maxLost: 50, concurrency: 10, leaseMs: 1_000 },
      wait: async () => {
        inHandlers += 1;
        await taken;
      },
    });
    await shop.place(...many({ act: "with child", note: "under way", takesMs: 0 }, 10));
    await eventually(() => inHandlers === 10, soon);
    const { promise: enough, resolve: end } = Promise.withResolvers<void>();
    let opened = 0;
    const long = Array.from({ length: max }, () =>
      shop.fragment.transaction(async (uow) => {
        await uow.services.place([{ act: "with child", note: "from a long transaction" }]);
        opened += 1;
        await enough;
      }),
    );
    const ended = Promise.allSettled(long);
    await eventually(() => opened === max, soon);
    // From here on their transactions wait for a connection, and with a pool of 1 so do the renewals of their lease.
    goOn();
    const other = open();
    const ageMs = async () => {
      const rows =
        await client`select extract(epoch from clock_timestamp() - created_at) * 1000 as age from sherd_lease`;
      return Number(rows[0]?.["age"] ?? Infinity);
    };
    await eventually(async () => {
      await other.adapter.storage.sweep(queue, 100, 50);
      return (await ageMs()) > 1_500;
    }, soon);
    expect((await other.fragment.hooks.count()).processing).toBe(max === 1 ? 0 : 10);
    end();
    expect((await ended).map(({ status }) => status)).toEqual(Array(max).fill("fulfilled"));
    const { hooks } = await expectWhole(other, journal, 50);
    expect(hooks.filter(({ status }) => status === "completed")).toHaveLength(2 * (10 + max));
    expect(hooks.some(({ lost }) => lost > 0)).toBe(max === 1);
  },
  30_000,
);

it("two hooks whose transactions deadlock both take effect, once", async () => {
  const { location, journal, poll } = await openCrashTest("PostgreSQL");
  const { client } = openClient(location);
  const deadlocks = async () =>
    Number(
      (await client`select deadlocks from pg_stat_database where datname = current_database()`)[0]?.[
        "deadlocks"
      ],
    );
  await client`create table app_account (id integer primary key, balance integer not null)`;
  await client`insert into app_account values (1, 0), (2, 0)`;
  const both = rendezvous(2);
  let turn = 0;
  const { shop } = poll({
    inTransaction: async (db) => {
      const accounts = turn++ % 2 === 0 ? ([1, 2] as const) : ([2, 1] as const);
      await addOne(db, accounts[0]);
      await both();
      await addOne(db, accounts[1]);
    },
  });
  await shop.place(...many({ act: "once", note: "transfer" }, 2));
  const { hooks } = await expectWhole(shop, journal);
  expect(hooks.map(({ status }) => status)).toEqual(["completed", "completed"]);
  expect(await client`select balance from app_account`).toEqual([{ balance: 2 }, { balance: 2 }]);
  expect(hooks.reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(0);
  await eventually(async () => (await deadlocks()) > 0, soon);
}, 30_000);

it("of two serializable transactions that conflict, the one that fails triggers nothing", async () => {
  const { location, journal, open } = await openCrashTest("PostgreSQL");
  const { client } = openClient(location);
  await client`create table app_account (id integer primary key, balance integer not null)`;
  await client`insert into app_account values (1, 0), (2, 0)`;
  const shop = open();
  const both = rendezvous(2);
  const db = drizzle(client);
  const pay = (from: number, to: number) =>
    db.transaction(
      async (tx) => {
        await tx.execute(sql`select balance from app_account where id = ${from}`);
        await both();
        await tx.execute(sql`update app_account set balance = balance + 1 where id = ${to}`);
        await shop.fragment.within(tx, (uow) => uow.services.place([{ act: "once", note: `from ${from}` }]));
      },
      { isolationLevel: "serializable" },
    );
  const ends = await Promise.allSettled([pay(1, 2), pay(2, 1)]);
  expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  await shop.processor.processDue();
  expect((await expectWhole(shop, journal)).hooks).toHaveLength(1);
}, 30_000);

it("a transaction that holds the horizon open slows no drain to a halt", async () => {
  const { location, journal, open, poll } = await openCrashTest("PostgreSQL");
  const { client } = openClient(location);
  const shop = open();
  await shop.place(...many({ act: "record", note: "many" }, 2_000));
  await client.begin("isolation level repeatable read", async (tx) => {
    await tx`select count(*) from sherd_item`;
    poll({ durableHooks: { concurrency: 200, leaseMs: 5_000 } });
    await eventually(async () => (await shop.fragment.hooks.count()).completed === 2_000, {
      withinMs: 20_000,
    });
    expect(await tx`select count(*)::integer as items from sherd_item`).toEqual([{ items: 2_000 }]);
  });
  await expectWhole(shop, journal);
}, 30_000);

async function addOne(db: Database, id: number): Promise<void> {
  await db
    .update(account)
    .set({ balance: sql`${account.balance} + 1` })
    .where(eq(account.id, id));
}

/** Resolves, for the first `count` callers, when they have all called; for later ones at once. */
function rendezvous(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return async () => {
    arrived += 1;
    if (arrived >= count) resolve();
    await promise;
  };
}
