import type { DatabaseAdapter, Transaction } from "@sherd/core";
import { sql } from "drizzle-orm";
import { blob, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { expect, test } from "vitest";
import { durableObjectAdapter } from "../../src/durable-object.ts";
import { inObject } from "./inside.ts";

const value = sqliteTable("value", {
  id: integer("id").primaryKey(),
  bytes: blob("bytes", { mode: "buffer" }),
  whole: integer("whole"),
  isTrue: integer("is_true", { mode: "boolean" }),
  at: integer("at", { mode: "timestamp_ms" }),
  text: text("text"),
});

// A fragment's tables are typed as those of PostgreSQL; here they are SQLite's own.
type Database = ReturnType<typeof drizzle>;
const databaseOf = (tx: Transaction) => tx.db as unknown as Database;

function inTransaction<T>(work: (db: Database, adapter: DatabaseAdapter) => Promise<T>): Promise<T> {
  return inObject(async (storage) => {
    storage.sql.exec(
      "create table value (id integer primary key, bytes blob, whole integer, is_true integer, at integer, text text)",
    );
    const adapter = durableObjectAdapter(storage);
    return adapter.transaction((tx) => work(databaseOf(tx), adapter));
  });
}

test("bytes, booleans, dates and nulls come back as they were written", async () => {
  const row = {
    id: 1,
    bytes: Buffer.from([0, 1, 254, 255]),
    whole: -(2 ** 53 - 1),
    isTrue: true,
    at: new Date(1_700_000_000_123),
    text: "ä\u{1F980} 'quoted'",
  };
  const nulls = { id: 2, bytes: null, whole: null, isTrue: false, at: null, text: null };
  const rows = await inTransaction(async (db) => {
    await db.insert(value).values([row, nulls]);
    return db.select().from(value).orderBy(value.id);
  });
  expect(rows).toEqual([row, nulls]);
});

test("a view of a part of some memory is written as that part alone", async () => {
  const memory = new Uint8Array([1, 2, 3, 4, 5]);
  const bytes = await inTransaction(async (db) => {
    const [row] = await db.values<[Uint8Array]>(sql`select ${memory.subarray(1, 3)}`);
    return row?.[0];
  });
  expect(bytes).toEqual(new Uint8Array([2, 3]));
});

test("a bigint is an integer up to 2^53, where the column is one", async () => {
  const largest = BigInt(Number.MAX_SAFE_INTEGER);
  const rows = await inTransaction(async (db) => {
    await db.run(sql`insert into value (whole) values (${largest}), (${-largest})`);
    return db.values(sql`select whole, typeof(whole) from value order by id`);
  });
  expect(rows).toEqual([
    [Number(largest), "integer"],
    [-Number(largest), "integer"],
  ]);
});

test("a bigint beyond 2^53 is refused rather than rounded", async () => {
  const refused = inTransaction((db) => db.values(sql`select ${2n ** 60n + 1n}`));
  await expect(refused).rejects.toMatchObject({
    cause: expect.objectContaining({ name: "RangeError", message: expect.stringContaining("as text") }),
  });
});
