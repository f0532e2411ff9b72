/** Transactions that begin with their first statement, and what is sent together with their commit. */
import type { DatabaseAdapter, StatementBoundary, Transaction } from "@sherd/core";
import { sql as text } from "drizzle-orm";
import { integer, pgTable, text as textColumn } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { postgresAdapter, type PostgresDatabase } from "../src/index.ts";
import { createDatabase } from "./databases.ts";
import { claim, enqueue, newItem } from "./queues.ts";

const order = pgTable("order", { id: integer("id"), placedBy: textColumn() });

let database: Awaited<ReturnType<typeof createDatabase>>;
let client: Sql;
let db: PostgresDatabase;
let adapter: DatabaseAdapter;
/** What went over the wire. */
const sent: string[] = [];
const logged: string[] = [];
const boundaries: string[] = [];
let observe: (boundary: StatementBoundary) => void | Promise<void> = () => {};

beforeAll(async () => {
  database = await createDatabase();
  client = postgres(database.url, {
    max: 4,
    onnotice: () => {},
    debug: (_connection, query) => void sent.push(query),
  });
  const logger = { logQuery: (query: string) => void logged.push(query) };
  db = drizzle(client, { logger, casing: "snake_case" }) as unknown as PostgresDatabase;
  adapter = postgresAdapter(db, {
    listen: false,
    onStatement(boundary) {
      boundaries.push(`${boundary.statement} ${boundary.phase}`);
      return observe(boundary);
    },
  });
  await adapter.migrator.apply([adapter.migrator.kernel]);
  await client`create table "order" (id int, placed_by text)`;
  // What a connection asks for once, types and parameters, is no part of a budget.
  const warm = async (tx: Transaction) => {
    await place(tx, 0);
    await tx.db.select({ slept: text`pg_sleep(0.1)` }).from(text`(select) x`);
    await trigger(tx, "warm");
  };
  await Promise.all(Array.from({ length: 4 }, () => adapter.transaction(warm)));
});

afterAll(async () => {
  await adapter.close();
  await client.end();
  await database.drop();
});

beforeEach(async () => {
  await client`delete from "order"`;
  observe = () => {};
  for (const list of [sent, logged, boundaries]) list.length = 0;
});

afterEach(async () => {
  const open = await client`select from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%'`;
  expect(open.count).toBe(0);
});

const place = async (tx: Transaction, id: number) => void (await tx.db.insert(order).values({ id }));
const trigger = (tx: Transaction, queue: string, ...ids: readonly string[]) =>
  adapter.storage.enqueue(tx, ids.length === 0 ? [newItem(queue)] : ids.map((id) => newItem(queue, { id })));
const orders = async () => (await client`select id from "order" order by id`).map(({ id }) => Number(id));
const pending = async (queue: string) => (await adapter.storage.count(queue)).pending;
/** The first word of each statement of this test so far. */
const words = () => sent.map((query) => query.trimStart().split(/\s/)[0]?.toLowerCase());

test("one that does nothing sends nothing", async () => {
  expect(await adapter.transaction(async () => "answer")).toBe("answer");
  expect(sent).toEqual([]);
});

test("one that only triggers is one statement", async () => {
  await adapter.transaction((tx) => trigger(tx, "alone"));
  expect(words()).toEqual(["insert"]);
  expect(await pending("alone")).toBe(1);
});

test("one that triggers twice is a transaction nevertheless", async () => {
  await adapter.transaction(async (tx) => {
    await trigger(tx, "twice");
    await trigger(tx, "twice");
  });
  expect(words()).toEqual(["begin", "insert", "insert", "commit"]);
  expect(await pending("twice")).toBe(2);
});

test("an insert and a trigger are begin, insert, trigger, commit, the last two in one round trip", async () => {
  let sentBeforeTheAnswer: readonly string[] = [];
  observe = ({ statement, phase }) => {
    if (statement === "insert" && phase === "after") sentBeforeTheAnswer = [...sent];
  };
  await adapter.transaction(async (tx) => {
    await place(tx, 1);
    await trigger(tx, "both");
  });
  expect(sentBeforeTheAnswer.at(-1)).toBe("commit");
  expect(words()).toEqual(["begin", "insert", "insert", "commit"]);
  expect(sent[2]).toContain("sherd_item");
  expect(boundaries).toEqual([
    "begin before",
    "begin after",
    "commit before",
    "insert before",
    "insert after",
    "commit after",
  ]);
  expect(await orders()).toEqual([1]);
  expect(await pending("both")).toBe(1);
});

test("a trigger is sent before the statements that come after it", async () => {
  const found = await adapter.transaction(async (tx) => {
    await trigger(tx, "before");
    return tx.db
      .select({ queue: text<string>`queue` })
      .from(text`sherd_item`)
      .where(text`queue = 'before'`);
  });
  expect(found).toEqual([{ queue: "before" }]);
});

test("a trigger that fails with the commit rejects the transaction and leaves nothing, alone and after a statement", async () => {
  const id = crypto.randomUUID();
  await expect(adapter.transaction((tx) => trigger(tx, "fails", id, id))).rejects.toMatchObject({
    code: "23505",
  });
  const both = adapter.transaction(async (tx) => {
    await place(tx, 1);
    await trigger(tx, "fails");
    await trigger(tx, "fails", id, id);
  });
  await expect(both).rejects.toMatchObject({ code: "23505" });
  expect(await orders()).toEqual([]);
  expect(await pending("fails")).toBe(0);
  expect(words().filter((word) => word === "commit" || word === "rollback")).toHaveLength(1);
});

test("a trigger that fails before another statement is what the transaction fails with", async () => {
  const id = crypto.randomUUID();
  for (const after of [
    (tx: Transaction) => place(tx, 1),
    (tx: Transaction) => adapter.storage.wake("fails before", ["a"], tx),
  ]) {
    const failing = adapter.transaction(async (tx) => {
      await trigger(tx, "fails before", id, id);
      await after(tx);
    });
    await expect(failing).rejects.toMatchObject({ code: "23505" });
  }
  const swallowed = adapter.transaction(async (tx) => {
    await trigger(tx, "fails before", id, id);
    await place(tx, 1).catch(() => {});
  });
  await expect(swallowed).rejects.toMatchObject({ code: "23505" });
  expect(await orders()).toEqual([]);
  expect(await pending("fails before")).toBe(0);
});

test("an error of the user's after triggers sends nothing, comes out as it is, and leaves nothing", async () => {
  const error = new Error("no", { cause: Object.assign(new Error("inner"), { code: "57P01" }) });
  const alone = adapter.transaction(async (tx) => {
    await trigger(tx, "refused");
    throw error;
  });
  await expect(alone).rejects.toBe(error);
  expect(sent).toEqual([]);
  const after = adapter.transaction(async (tx) => {
    await place(tx, 1);
    await trigger(tx, "refused");
    throw error;
  });
  await expect(after).rejects.toBe(error);
  expect(words()).toEqual(["begin", "insert", "rollback"]);
  expect(await orders()).toEqual([]);
  expect(await pending("refused")).toBe(0);
});

test("an observer that is slow, or fails, does not part a trigger from its transaction", async () => {
  const release = Promise.withResolvers<void>();
  observe = ({ statement, phase }) =>
    statement === "insert" && phase === "before" ? release.promise : undefined;
  const slow = adapter.transaction(async (tx) => {
    await place(tx, 1);
    await trigger(tx, "observed");
  });
  await expect.poll(() => boundaries).toContain("insert before");
  expect(words()).not.toContain("commit");
  release.resolve();
  await slow;
  expect([await orders(), await pending("observed")]).toEqual([[1], 1]);
  observe = ({ statement, phase }) =>
    statement === "insert" && phase === "before" ? Promise.reject(new Error("cut")) : undefined;
  const failing = adapter.transaction(async (tx) => {
    await place(tx, 2);
    await trigger(tx, "observed");
  });
  await expect(failing).rejects.toThrow("cut");
  expect([await orders(), await pending("observed")]).toEqual([[1], 1]);
});

test("savepoints nest in it, and roll back alone, with what was triggered in them", async () => {
  await adapter.transaction(async (tx) => {
    const outer = tx.db as unknown as PostgresDatabase;
    await outer.transaction(async (one) => {
      await one.insert(order).values({ id: 1 });
      await adapter.storage.enqueue(adapter.join(one), [newItem("nested")]);
      await one
        .transaction(async (two) => {
          await two.insert(order).values({ id: 2 });
          await adapter.storage.enqueue(adapter.join(two), [newItem("nested")]);
          throw new Error("roll back");
        })
        .catch(() => {});
      await one.insert(order).values({ id: 3 });
    });
    await adapter.storage.enqueue(adapter.join(outer), [newItem("nested")]);
    await trigger(tx, "nested");
  });
  expect(await orders()).toEqual([1, 3]);
  expect(await pending("nested")).toBe(3);
  expect(words().filter((word) => word === "begin")).toHaveLength(1);
});

test("statements that come at once begin one transaction, and run in it", async () => {
  const backends = await adapter.transaction((tx) =>
    Promise.all(
      Array.from({ length: 3 }, async (_, id) => {
        await place(tx, id);
        const [row] = await tx.db
          .select({ pid: text<number>`pg_backend_pid()`, xact: text<string>`pg_current_xact_id()` })
          .from(text`(select) x`);
        return `${row?.pid} ${row?.xact}`;
      }),
    ),
  );
  expect(new Set(backends).size).toBe(1);
  expect(words().filter((word) => word === "begin")).toHaveLength(1);
  const failing = adapter.transaction((tx) =>
    Promise.all([place(tx, 7), tx.db.select({ no: text`no` }).from(text`nowhere`), place(tx, 8)]),
  );
  await expect(failing).rejects.toThrow();
  expect(await orders()).toEqual([0, 1, 2]);
});

test("a user's error while it is still beginning rolls it back", async () => {
  const begun: Promise<unknown>[] = [];
  const failing = adapter.transaction(async (tx) => {
    begun.push(place(tx, 1).catch(() => {}));
    throw new Error("at once");
  });
  await expect(failing).rejects.toThrow("at once");
  await Promise.all(begun);
  expect(await orders()).toEqual([]);
});

test("once it has ended nothing can be sent on it any more, whether or not it had begun", async () => {
  const ended: Transaction[] = [];
  await adapter.transaction(async (tx) => void ended.push(tx));
  await adapter.transaction(async (tx) => {
    ended.push(tx);
    await trigger(tx, "ended");
  });
  await adapter.transaction(async (tx) => {
    ended.push(tx);
    await place(tx, 1);
  });
  await adapter
    .transaction(async (tx) => {
      ended.push(tx);
      throw new Error("roll back");
    })
    .catch(() => {});
  for (const tx of ended) {
    await expect(place(tx, 2)).rejects.toMatchObject({ cause: { message: /has ended/ } });
    await expect(adapter.storage.wake("ended", ["a"], tx)).rejects.toThrow(/has ended/);
  }
  expect(await orders()).toEqual([1]);
});

test("its database has the logger and the casing of the user's own, and answers as theirs does", async () => {
  await adapter.transaction(async (tx) => {
    await tx.db.insert(order).values({ id: 1, placedBy: "somebody" });
    const rows = await tx.db.select().from(order);
    expect(rows).toEqual([{ id: 1, placedBy: "somebody" }]);
    const inner = tx.db as unknown as PostgresDatabase;
    expect(await inner.execute(text`select id, placed_by from "order"`)).toEqual(
      await inner.transaction((one) => one.execute(text`select id, placed_by from "order"`)),
    );
  });
  expect(logged[0]).toBe(`insert into "order" ("id", "placed_by") values ($1, $2)`);
  expect(logged.filter((query) => query.startsWith("select"))).toHaveLength(3);
});

test("a connection that is cut while a savepoint is open rejects it, although no statement has noticed", async () => {
  const cut = adapter.transaction(async (tx) => {
    const inner = tx.db as unknown as PostgresDatabase;
    await inner.transaction(async (one) => {
      const [row] = await one.select({ pid: text<number>`pg_backend_pid()` }).from(text`(select) x`);
      await client`select pg_terminate_backend(${row?.pid ?? 0}, 5000)`;
      await client`select pg_sleep(0.05)`;
      await trigger(tx, "cut");
      throw new Error("of the user's own");
    });
  });
  await expect(cut).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  await enqueue(adapter, "cut", {});
  expect(await claim(adapter, "cut")).toHaveLength(1);
});
