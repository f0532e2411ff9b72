/** What every driver must carry the same way, and what each may do to a statement. */
import { isSherdError, type ClaimedItem, type StatementBoundary, type Transaction } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { sql as text } from "drizzle-orm";
import { drizzle as drizzleNodePostgres } from "drizzle-orm/node-postgres";
import { integer, pgTable } from "drizzle-orm/pg-core";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresAdapter } from "../src/index.ts";
import { createDatabase, drivers, openPglite, type Opened } from "./databases.ts";
import { claim, completed, enqueue, newItem } from "./queues.ts";

const order = pgTable("order", { id: integer("id") });

describe.each(["url", "postgres.js", "node-postgres", "PGlite"] as const)("over %s", (driver) => {
  let database: Awaited<ReturnType<typeof createDatabase>> | undefined;
  let opened: Opened;
  const boundaries: StatementBoundary[] = [];

  beforeAll(async () => {
    const options = { onStatement: (boundary: StatementBoundary) => void boundaries.push(boundary) };
    if (driver === "PGlite") {
      opened = openPglite(options);
    } else {
      database = await createDatabase();
      opened = drivers[driver](database.url, options);
    }
    await opened.adapter.migrator.apply([opened.adapter.migrator.kernel]);
    await opened.db.execute(text`create table "order" (id int)`);
  }, 60_000);

  afterAll(async () => {
    await opened.close();
    await database?.drop();
  });

  test("rows and items of a user's own transaction commit together, or not at all", async () => {
    const { adapter, db } = opened;
    const place = (id: number, fails: boolean) =>
      db.transaction(async (tx) => {
        await tx.insert(order).values({ id });
        await adapter.storage.enqueue(adapter.join(tx), [
          newItem("joined"),
          newItem("joined", { key: `${id}` }),
        ]);
        if (fails) throw new Error("roll back");
      });
    await expect(place(1, true)).rejects.toThrow("roll back");
    expect(await claim(adapter, "joined")).toEqual([]);
    await place(2, false);
    expect(await claim(adapter, "joined")).toHaveLength(2);
    expect(await db.select().from(order)).toEqual([{ id: 2 }]);
  });

  test("a savepoint that rolls back takes its items with it alone", async () => {
    const { adapter, db } = opened;
    await db.transaction(async (tx) => {
      await adapter.storage.enqueue(adapter.join(tx), [newItem("savepoint")]);
      await tx
        .transaction(async (inner) => {
          await adapter.storage.enqueue(adapter.join(inner), [newItem("savepoint")]);
          throw new Error("roll back");
        })
        .catch(() => {});
    });
    expect(await claim(adapter, "savepoint")).toHaveLength(1);
  });

  test("what a handler writes commits with its completion, and not without it", async () => {
    const { adapter } = opened;
    await enqueue(adapter, "handler", {});
    const [item] = (await claim(adapter, "handler", { leaseMs: 1 })) as [ClaimedItem];
    const finish = () =>
      adapter.transaction(async (tx) => {
        await tx.db.insert(order).values({ id: 3 });
        const [answer] = await adapter.storage.settle("handler", [completed(item)], tx);
        if (answer?.result !== "settled") throw new Error(answer?.result);
      });
    await adapter.storage.closeLeases([item.lease]);
    await expect(finish()).rejects.toThrow("lost");
    expect(
      await opened.db
        .select()
        .from(order)
        .where(text`id = 3`),
    ).toEqual([]);
  });

  test("every verb is one statement, a claim and a transaction that only triggers too", async () => {
    const { adapter } = opened;
    const statements = async (work: () => Promise<unknown>) => {
      boundaries.length = 0;
      await work();
      expect(boundaries.map(({ phase }) => phase)).toEqual(
        boundaries.map((_, n) => (n % 2 === 0 ? "before" : "after")),
      );
      return boundaries.filter(({ phase }) => phase === "before").map(({ statement }) => statement);
    };
    const { storage } = adapter;
    const beginsLate = driver === "url" || driver === "postgres.js";
    expect(await statements(() => enqueue(adapter, "budget", {}, {}))).toEqual(
      beginsLate ? ["insert"] : ["begin", "insert", "commit"],
    );
    expect(await statements(() => enqueue(adapter, "keyed", { key: "a" }))).toEqual([
      "begin",
      "insert-keyed",
      "commit",
    ]);
    let items: readonly ClaimedItem[] = [];
    expect(await statements(async () => (items = await claim(adapter, "budget")))).toEqual(["lease"]);
    expect(items).toHaveLength(2);
    expect(await statements(() => claim(adapter, "budget"))).toEqual(["lease"]);
    expect(await statements(() => storage.extend("budget", [items[0]?.lease ?? ""], 1))).toEqual(["renew"]);
    expect(
      await statements(() =>
        storage.settle(
          "budget",
          items.map((item) => completed(item)),
        ),
      ),
    ).toEqual(["settle"]);
    expect(await statements(() => storage.sweep("budget", 10, 3))).toEqual(["sweep"]);
    expect(await statements(() => storage.nextWakeInMs("budget", ["deliver"]))).toEqual(["look"]);
  });

  test("a database that was not migrated says what to do", async () => {
    const { adapter, db } = opened;
    await db
      .transaction(async (tx) => {
        await tx.execute(text`set local search_path to nowhere`);
        const error: unknown = await adapter.storage
          .enqueue(adapter.join(tx), [newItem("none")])
          .catch((e: unknown) => e);
        expect(isSherdError(error, "NOT_MIGRATED") && error.details.missing).toEqual(["sherd_item"]);
        expect(error).toHaveProperty("message", expect.stringContaining("await migrate(fragment)"));
        throw new Error("roll back");
      })
      .catch((error: unknown) => expect(error).toHaveProperty("message", "roll back"));
  });
});

describe("a server", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;

  beforeAll(async () => {
    database = await createDatabase();
    const adapter = postgresAdapter(database.url);
    await adapter.migrator.apply([adapter.migrator.kernel]);
    await adapter.close();
  });

  afterAll(() => database.drop());

  const cuts = (["url", "postgres.js", "node-postgres"] as const).flatMap((driver) =>
    (["in a statement", "before a statement", "before the commit", "in a savepoint"] as const).map(
      (moment) => [driver, moment] as const,
    ),
  );

  test.each(cuts)(
    "that cuts a connection is unavailable, and then is not: %s, %s",
    async (driver, moment) => {
      const queue = `cut/${driver}/${moment}`;
      const { adapter, db, close } = drivers[driver](database.url);
      const admin = postgres(database.url, { max: 1 });
      const cut = (pid: unknown) => admin`select pg_terminate_backend(${Number(pid)})`;
      let error: unknown;
      // With a key, so that its answer is waited for.
      const answered = (tx: Transaction) =>
        adapter.storage.enqueue(tx, [newItem(queue, { key: "a" })]).catch((thrown: unknown) => thrown);
      const ended = adapter.transaction(async (tx) => {
        const inner = tx.db as unknown as typeof db;
        await adapter.storage.enqueue(tx, [newItem(queue)]);
        const pid = (await tx.db.select({ pid: text`pg_backend_pid()` }).from(text`(select) x`))[0]?.pid;
        if (moment === "in a statement") {
          const sleeping = inner.execute(text`select pg_sleep(60)`).then(() => {});
          sleeping.catch(() => {});
          await eventually(
            async () =>
              (
                await admin`select from pg_stat_activity where pid = ${Number(pid)} and wait_event = 'PgSleep'`
              ).count > 0,
            { withinMs: 5000 },
          );
          await cut(pid);
          await sleeping;
        } else if (moment === "in a savepoint") {
          await inner.transaction(async () => {
            await cut(pid);
            await closed();
            error = await answered(tx);
            throw error;
          });
        } else {
          await cut(pid);
          await closed();
          if (moment === "before the commit") return;
          error = await answered(tx);
        }
      });
      await expect(ended).rejects.toThrow();
      if (moment !== "in a statement")
        await expect(ended.catch(outcome)).resolves.toBe("DATABASE_UNAVAILABLE");
      if (error !== undefined) expect(outcome(error)).toBe("DATABASE_UNAVAILABLE");
      // On every connection of the pool, also on the one that took the place of the cut one.
      const again = (thrown: unknown) =>
        outcome(thrown) === "DATABASE_UNAVAILABLE" ? enqueue(adapter, queue, {}) : Promise.reject(thrown);
      // With keys: those without would share one.
      const enqueued = Array.from({ length: 10 }, (_, n) =>
        enqueue(adapter, queue, { key: `${n}` }).catch(again),
      );
      const ids = (await Promise.all(enqueued)).flat();
      expect((await claim(adapter, queue)).map((item) => item.id).toSorted()).toEqual(ids.toSorted());
      await admin.end();
      await close();
    },
  );

  const outcome = (error: unknown) => (isSherdError(error) ? error.code : error);

  /** The socket's close is told within one turn of the event loop after its data; a statement elsewhere outlasts it. */
  async function closed() {
    const other = postgres(database.url, { max: 1 });
    await other`select pg_sleep(0.05)`;
    await other.end();
  }

  test.each(["url", "node-postgres"] as const)(
    "that cannot be reached is unavailable: %s",
    async (driver) => {
      const { adapter, close } = drivers[driver]("postgres://127.0.0.1:1/nowhere", { listen: false });
      await expect(adapter.storage.count("any")).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
      const works: ((tx: Transaction) => Promise<unknown>)[] = [
        (tx) => adapter.storage.enqueue(tx, [newItem("any")]),
        (tx) => adapter.storage.enqueue(tx, [newItem("any", { key: "a" })]),
        (tx) => tx.db.select({ one: text`1` }).from(text`(select) x`),
        (tx) => adapter.storage.wake("any", ["a"], tx).catch(() => {}),
      ];
      for (const work of works) {
        await expect(adapter.transaction(work)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
      }
      await close();
    },
  );

  test("with two schemas answers by the search_path, unprepared too", async () => {
    const adapter = postgresAdapter(database.url, { prepare: false, max: 1, applicationName: "unprepared" });
    await enqueue(adapter, "unprepared", { key: "a" }, {});
    expect(await claim(adapter, "unprepared")).toHaveLength(2);
    const [row] = await (async () => {
      const admin = postgres(database.url, { max: 1 });
      const rows =
        await admin`select count(*)::int as n from pg_stat_activity where application_name = 'unprepared'`;
      await admin.end();
      return rows;
    })();
    expect(row).toEqual({ n: 1 });
    await adapter.close();
  });

  test("that fails a statement between two rows does not make postgres.js miscount the next one's", async () => {
    const client = postgres(database.url, { max: 1 });
    const db = (await import("drizzle-orm/postgres-js")).drizzle(client);
    const adapter = postgresAdapter(db, { listen: false });
    await enqueue(adapter, "miscount", {}, {});
    await client`select 1 / (2 - n) from generate_series(1, 2) n`.catch(() => {});
    expect(await claim(adapter, "miscount")).toHaveLength(2);
    await client.end();
  });
});

test("a single client is refused where a pool is needed, as are things that are no Postgres database", () => {
  expect(() => postgresAdapter(drizzleNodePostgres(new pg.Client()))).toThrow(/needs a pool/);
  expect(() => postgresAdapter("mysql://localhost/db")).toThrow(/needs a URL/);
  expect(() => postgresAdapter({} as never)).toThrow(/drizzle database/);
  const pool = drizzleNodePostgres(new pg.Pool());
  expect(() => postgresAdapter(pool, { listen: true })).toThrow(/give `listen` the URL/);
  expect(() => postgresAdapter(pool).join({})).toThrow(/not a drizzle transaction/);
});
