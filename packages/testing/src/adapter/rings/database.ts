import type { DatabaseAdapter, Migration } from "@sherd/core";
import { eq } from "drizzle-orm";
import { integer as pgInteger, pgTable, text as pgText } from "drizzle-orm/pg-core";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";

const name = "conformance_note";

const pgNote = pgTable(name, {
  id: pgText("id").primaryKey(),
  text: pgText("text"),
  size: pgInteger("size").notNull(),
});
const sqliteNote = sqliteTable(name, {
  id: text("id").primaryKey(),
  text: text("text"),
  size: integer("size").notNull(),
});

const statements = [`CREATE TABLE ${name} (id text PRIMARY KEY, text text, size integer NOT NULL)`];
const init: Migration = { tag: "0001_init", compatible: true, postgres: statements, sqlite: statements };

export const database: Guarantees = {
  "a transaction reads and writes the caller's tables with drizzle": async (q) => {
    const note = await table(q.adapter);
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
    await q.adapter.transaction(async ({ db }) => {
      const rows = [
        { id: a, text: "it's a", size: 1 },
        { id: b, text: null, size: 2 },
      ];
      expect(await db.insert(note).values(rows).returning()).toEqual(rows);
      const updated = await db
        .update(note)
        .set({ size: 3 })
        .where(eq(note.id, a))
        .returning({ size: note.size });
      expect(updated).toEqual([{ size: 3 }]);
      expect(await db.$count(note, eq(note.id, b))).toBe(1);
      await db.delete(note).where(eq(note.id, b));
      expect(await db.select().from(note).where(eq(note.id, b))).toEqual([]);
    });
    const rows = await q.adapter.transaction(({ db }) => db.select().from(note).where(eq(note.id, a)));
    expect(rows).toEqual([{ id: a, text: "it's a", size: 3 }]);
  },

  "the caller's rows and the items of one transaction exist together or not at all": async (q) => {
    const note = await table(q.adapter);
    for (const commits of [true, false]) {
      const item = q.newItem();
      const transaction = q.adapter.transaction(async (tx) => {
        await tx.db.insert(note).values({ id: item.id, size: 1 });
        await q.storage.enqueue(tx, [item]);
        if (!commits) throw new Error("roll back");
      });
      if (commits) await transaction;
      else await expect(transaction).rejects.toThrow("roll back");
      const rows = await q.adapter.transaction(({ db }) =>
        db.select().from(note).where(eq(note.id, item.id)),
      );
      expect([rows.length === 1, (await q.storage.get(q.queue, item.id)) !== null]).toEqual([
        commits,
        commits,
      ]);
    }
  },

  "a statement that fails rolls its transaction back": async (q) => {
    const note = await table(q.adapter);
    const item = q.newItem();
    const transaction = q.adapter.transaction(async (tx) => {
      await q.storage.enqueue(tx, [item]);
      await tx.db.insert(note).values({ id: item.id, size: 1 });
      await tx.db.insert(note).values({ id: item.id, size: 2 });
    });
    await expect(transaction).rejects.toThrow();
    expect(await q.storage.get(q.queue, item.id)).toBeNull();
  },
};

/** The drizzle table of the adapter's dialect, typed as the contract types a database. */
async function table({ dialect, migrator }: DatabaseAdapter): Promise<typeof pgNote> {
  await migrator.apply([{ scope: name, migrations: [init] }]);
  return dialect === "postgres" ? pgNote : (sqliteNote as unknown as typeof pgNote);
}
