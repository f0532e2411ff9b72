import { DatabaseSync } from "node:sqlite";
import { type Database, isSherdError } from "@sherd/core";
import { eq } from "drizzle-orm";
import { pgTable } from "drizzle-orm/pg-core";
import { integer as sqliteInteger, sqliteTable, text as sqliteText } from "drizzle-orm/sqlite-core";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { describe, expect, onTestFinished, test } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { kinds, migrated, openLibsql, temporaryFile } from "./databases.ts";
import { claim, ended, enqueue, newItem, queue } from "./items.ts";

const migration = {
  tag: "0001_note",
  compatible: true,
  postgres: [],
  sqlite: [
    "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL, is_read INTEGER NOT NULL DEFAULT 0, at INTEGER)",
    "CREATE TABLE label (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE strict_note (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)",
    "INSERT INTO label (id, text) VALUES (1, 'of a')",
  ],
};

/** Built by SQLite's builders and typed by Postgres's, as fragments have them. */
const note = sqliteTable("note", {
  id: sqliteInteger("id").primaryKey(),
  text: sqliteText("text").notNull(),
  isRead: sqliteInteger("is_read", { mode: "boolean" }).notNull().default(false),
  at: sqliteInteger("at", { mode: "timestamp_ms" }),
}) as unknown as ReturnType<typeof typedNote>;

const label = sqliteTable("label", {
  id: sqliteInteger("id").primaryKey(),
  text: sqliteText("text").notNull(),
}) as unknown as ReturnType<typeof typedLabel>;

const strictNote = sqliteTable("strict_note", {
  id: sqliteInteger("id").primaryKey(),
}) as unknown as ReturnType<typeof typedStrictNote>;

const typedStrictNote = () => pgTable("strict_note", (t) => ({ id: t.integer().primaryKey() }));

const typedLabel = () =>
  pgTable("label", (t) => ({ id: t.integer().primaryKey(), text: t.text().notNull() }));

const typedNote = () =>
  pgTable("note", (t) => ({
    id: t.integer().primaryKey(),
    text: t.text().notNull(),
    isRead: t.boolean().notNull().default(false),
    at: t.timestamp({ mode: "date" }),
  }));

describe.each(Object.entries(kinds))("on %s", (_, open) => {
  async function withNotes() {
    const adapter = await open();
    await adapter.migrator.apply([{ scope: "notes", migrations: [migration] }]);
    const texts = () =>
      adapter.transaction(async ({ db }) => (await db.select().from(note)).map(({ text }) => text));
    return { adapter, texts };
  }

  test("Postgres-typed builders write and read SQLite tables", async () => {
    const { adapter } = await withNotes();
    await adapter.transaction(async ({ db }: { db: Database }) => {
      const at = new Date(1_700_000_000_000);
      const inserted = await db
        .insert(note)
        .values([
          { id: 1, text: "a", at },
          { id: 2, text: "b", isRead: true },
        ])
        .returning();
      expect(inserted).toEqual([
        { id: 1, text: "a", isRead: false, at },
        { id: 2, text: "b", isRead: true, at: null },
      ]);
      await db
        .insert(note)
        .values({ id: 1, text: "again" })
        .onConflictDoUpdate({ target: note.id, set: { text: "A" } });
      expect(
        await db.update(note).set({ isRead: true }).where(eq(note.id, 1)).returning({ text: note.text }),
      ).toEqual([{ text: "A" }]);
      expect(await db.select().from(note).where(eq(note.isRead, true)).orderBy(note.id)).toHaveLength(2);
      // Two columns of one name stay two.
      const [joined] = await db.select().from(note).innerJoin(label, eq(label.id, note.id));
      expect(joined).toEqual({
        note: { id: 1, text: "A", isRead: true, at },
        label: { id: 1, text: "of a" },
      });
      await db.delete(note).where(eq(note.id, 2));
      expect(await db.$count(note)).toBe(1);
    });
  });

  test("a transaction rolls back across awaits, with what was triggered in it", async () => {
    const { adapter, texts } = await withNotes();
    const failure = new Error("no");
    const attempt = adapter.transaction(async (tx) => {
      await tx.db.insert(note).values({ id: 1, text: "a" });
      await new Promise((resolve) => setImmediate(resolve));
      await adapter.storage.enqueue(tx, [newItem()]);
      await new Promise((resolve) => setImmediate(resolve));
      throw failure;
    });
    await expect(attempt).rejects.toBe(failure);
    expect(await texts()).toEqual([]);
    expect((await claim(adapter)).items).toEqual([]);
  });

  test("a transaction that SQLite rolled back by itself keeps nothing that follows", async () => {
    const { adapter, texts } = await withNotes();
    const attempt = adapter.transaction(async ({ db }) => {
      await db.insert(note).values({ id: 1, text: "before" });
      await db
        .insert(strictNote)
        .values([{ id: 1 }, { id: 1 }])
        .catch(() => undefined);
      await db
        .insert(note)
        .values({ id: 2, text: "after" })
        .catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow();
    expect(await texts()).toEqual([]);
  });

  test("transactions and verbs that come at once take turns", async () => {
    const { adapter, texts } = await withNotes();
    await Promise.all(
      [1, 2, 3, 4, 5].map((id) =>
        adapter.transaction(async ({ db }) => {
          const count = await db.$count(note);
          await new Promise((resolve) => setImmediate(resolve));
          await db.insert(note).values({ id, text: String(count) });
        }),
      ),
    );
    expect((await texts()).toSorted()).toEqual(["0", "1", "2", "3", "4"]);
  });

  test("a transaction or verb inside an open transaction fails instead of waiting for it", async () => {
    const { adapter } = await withNotes();
    const nested: unknown[] = [];
    let late: Promise<unknown> = Promise.resolve();
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await adapter.transaction(async () => {
      nested.push(await adapter.transaction(async () => undefined).catch((error: unknown) => error));
      nested.push(await claim(adapter).catch((error: unknown) => error));
      nested.push(await adapter.storage.count(queue).catch((error: unknown) => error));
      late = released.then(() => claim(adapter));
    });
    expect(nested.map((error) => isSherdError(error, "NESTED_TRANSACTION"))).toEqual([true, true, true]);
    release();
    await expect(late).resolves.toMatchObject({ items: [] });
  });

  test("a query that was not awaited does not run after its transaction", async () => {
    const { adapter, texts } = await withNotes();
    const kept = await adapter.transaction(async ({ db }) => ({ db }));
    const error = await kept.db
      .insert(note)
      .values({ id: 1, text: "late" })
      .then(
        () => null,
        (thrown: unknown) => thrown,
      );
    expect(isSherdError((error as Error).cause, "TRANSACTION_ENDED")).toBe(true);
    expect(await texts()).toEqual([]);
  });

  test("what an observer throws after a commit leaves it standing", async () => {
    let fails = false;
    const seen: string[] = [];
    const adapter = await open({
      onStatement({ verb, statement, phase }) {
        seen.push(`${verb}.${statement}.${phase}`);
        if (fails && verb === "settle" && statement === "commit" && phase === "after")
          throw new Error("lost");
      },
    });
    await enqueue(adapter, {});
    const [item] = (await claim(adapter)).items;
    seen.length = 0;
    fails = true;
    await expect(adapter.storage.settle(queue, [ended(item!)])).rejects.toThrow("lost");
    const statements = ["begin", "read-leases", "read-items", "insert-history", "delete-finished", "commit"];
    expect(seen).toEqual(statements.flatMap((name) => [`settle.${name}.before`, `settle.${name}.after`]));
    expect((await adapter.storage.get(queue, item!.id))?.outcome).toBe("completed");
  });
});

describe("joining a transaction of the caller's", () => {
  test("a libsql transaction carries triggers, and takes them back", async () => {
    const db = await openLibsql(temporaryFile());
    const adapter = await migrated(db);
    await db.transaction(async (tx) => void (await adapter.storage.enqueue(adapter.join(tx), [newItem()])));
    const rolledBack = db.transaction(async (tx) => {
      const items = [newItem({ key: "k" }), newItem({ key: "k", onConflict: "replace" })];
      expect(await adapter.storage.enqueue(adapter.join(tx), items)).toHaveLength(1);
      tx.rollback();
    });
    await expect(rolledBack).rejects.toThrow("Rollback");
    expect((await claim(adapter)).items).toHaveLength(1);
  });

  test("a drizzle proxy over the same DatabaseSync carries them, and verbs wait for its end", async () => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    const adapter = await migrated(database);
    const db = drizzle(async (text, params, method) => {
      const statement = database.prepare(text);
      statement.setReturnArrays(true);
      const rows = statement.all(...(params as string[]));
      return { rows: (method === "get" ? rows[0] : rows) as unknown[] };
    });
    let claimed: ReturnType<typeof claim> | undefined;
    await db.transaction(async (tx) => {
      await adapter.storage.enqueue(adapter.join(tx), [newItem({ key: "k" }), newItem({ key: "l" })]);
      claimed = claim(adapter);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(database.isTransaction).toBe(true);
    });
    expect((await claimed)?.items).toHaveLength(2);
  });

  test("what is no drizzle transaction is refused", () => {
    expect(() => sqliteAdapter(":memory:").join({})).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
