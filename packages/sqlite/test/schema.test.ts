import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SQL } from "drizzle-orm";
import { getTableConfig, integer, SQLiteSyncDialect, sqliteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { migrations } from "../src/migrations/index.ts";
import { tables } from "../src/schema.ts";
import { migrated, openLibsql, temporaryFile } from "./databases.ts";

const parent = sqliteTable("parent", { id: integer("id").primaryKey() });
const dialect = new SQLiteSyncDialect();
const words = (text: string) => text.replace(/["`]/g, "").replace(/\s+/g, " ").trim().toLowerCase();
const textOf = (sql: SQL) => words(dialect.sqlToQuery(sql).sql);

async function migratedDatabase() {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  await migrated(database);
  const rows = (sql: string) => database.prepare(sql).all() as Record<string, string | number | null>[];
  return { rows, database };
}

describe.each(Object.values(tables).map((table) => [getTableConfig(table)] as const))(
  "the schema of $name",
  (config) => {
    test("has the columns that migrations made", async () => {
      const { rows } = await migratedDatabase();
      const primaryKey = config.primaryKeys.flatMap(({ columns }) => columns.map(({ name }) => name));
      expect(
        rows(`PRAGMA table_info(${config.name})`).map(({ name, type, notnull, dflt_value, pk }) => ({
          name,
          type: String(type).toLowerCase(),
          isNotNull: notnull === 1,
          hasDefault: dflt_value !== null,
          isKey: Number(pk) > 0,
        })),
      ).toEqual(
        config.columns.map((column) => ({
          name: column.name,
          type: column.getSQLType(),
          isNotNull: column.notNull,
          hasDefault: column.hasDefault && column.default !== undefined,
          isKey: column.primary || primaryKey.includes(column.name),
        })),
      );
    });

    test("has the indexes that migrations made", async () => {
      const { rows } = await migratedDatabase();
      const made = rows(
        `SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = '${config.name}' AND sql IS NOT NULL`,
      ).map(({ sql }) => words(String(sql)));
      const described = config.indexes.map(({ config: index }) => {
        const columns = index.columns.map((column) => (column instanceof SQL ? textOf(column) : column.name));
        const where = index.where === undefined ? "" : ` where ${textOf(index.where)}`;
        const unique = index.unique ? "unique " : "";
        return words(`create ${unique}index ${index.name} on ${config.name} (${columns.join(", ")})${where}`);
      });
      const uniques = config.columns
        .filter((column) => column.isUnique)
        .map((column) => `create unique index ${column.uniqueName} on ${config.name} (${column.name})`);
      expect(made.toSorted()).toEqual([...described, ...uniques].toSorted());
    });

    test("has the checks that migrations made", async () => {
      const { rows } = await migratedDatabase();
      const [table] = rows(`SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '${config.name}'`);
      const made = words(String(table?.["sql"])).match(/constraint \w+ check \(.*?\)(?=,| \)$)/g) ?? [];
      expect(made).toEqual(
        config.checks.map(({ name, value }) => `constraint ${name} check (${textOf(value)})`),
      );
    });
  },
);

describe("migrations", () => {
  test.each(migrations.map((migration) => [migration.tag, migration.sqlite] as const))(
    "%s is inlined as its file reads",
    (tag, statements) => {
      const file = readFileSync(new URL(`../src/migrations/${tag}.sql`, import.meta.url), "utf8");
      const parts = file.split("--> statement-breakpoint").map((part) => part.trim().replace(/;$/, ""));
      expect(statements).toEqual(parts);
    },
  );

  test("that rebuild a table keep what refers to it", async () => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    const adapter = await migrated(database);
    const first = [
      "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
      "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE)",
      "INSERT INTO parent (id) VALUES (1)",
      "INSERT INTO child (id, parent) VALUES (1, 1)",
    ];
    const second = [
      "CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT)",
      "INSERT INTO parent_new (id) SELECT id FROM parent",
      "DROP TABLE parent",
      "ALTER TABLE parent_new RENAME TO parent",
    ];
    const step = (tag: string, sqlite: readonly string[]) => ({
      tag,
      compatible: true,
      postgres: [],
      sqlite,
    });
    await adapter.migrator.apply([{ scope: "a", migrations: [step("0001", first), step("0002", second)] }]);
    expect(database.prepare("SELECT id FROM child").all()).toHaveLength(1);
    expect(Object.values(database.prepare("PRAGMA foreign_keys").get() ?? {})).toEqual([1]);
  });

  test.each(["node:sqlite", "libsql"] as const)(
    "that leave rows without what they refer to fail, unless others were there before, on %s",
    async (kind) => {
      const path = temporaryFile();
      const database = kind === "libsql" ? await openLibsql(path) : path;
      const adapter = sqliteAdapter(database);
      onTestFinished(() => adapter.close());
      const migration = (tag: string, ...sqlite: string[]) => ({
        tag,
        compatible: true,
        postgres: [],
        sqlite,
      });
      const first = migration(
        "0001",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id) ON DELETE CASCADE)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (1, 1)",
      );
      await adapter.migrator.apply([{ scope: "a", migrations: [first] }]);
      const other = new DatabaseSync(path, { enableForeignKeyConstraints: false });
      onTestFinished(() => other.close());
      other.exec("INSERT INTO child VALUES (2, 9)");
      const breaking = migration("0002", "DELETE FROM parent");
      await expect(adapter.migrator.apply([{ scope: "a", migrations: [first, breaking] }])).rejects.toThrow(
        "child → parent (2 rows)",
      );
      expect(other.prepare("SELECT count(*) AS n FROM parent").get()).toEqual({ n: 1 });
      const harmless = migration("0002", "CREATE TABLE more (id INTEGER PRIMARY KEY)");
      const [report] = await adapter.migrator.apply([{ scope: "a", migrations: [first, harmless] }]);
      expect(report?.applied).toEqual(["0002"]);
      // They are enforced again, whatever became of the migrations before.
      await expect(
        adapter.migrator.apply([
          { scope: "a", migrations: [first, harmless, migration("0003", "NONSENSE")] },
        ]),
      ).rejects.toThrow();
      await adapter.transaction(async ({ db }) => void (await db.delete(parent as never)));
      expect(other.prepare("SELECT id FROM child").all()).toEqual([{ id: 2 }]);
    },
  );

  test("that fail leave nothing, also of those before them", async () => {
    const adapter = sqliteAdapter(":memory:");
    onTestFinished(() => adapter.close());
    const broken = [{ tag: "0001", compatible: true, postgres: [], sqlite: ["CREATE NONSENSE"] }];
    await expect(
      adapter.migrator.apply([adapter.migrator.kernel, { scope: "a", migrations: broken }]),
    ).rejects.toThrow();
    await expect(adapter.migrator.verify([adapter.migrator.kernel])).rejects.toMatchObject({
      code: "NOT_MIGRATED",
      details: { scope: "kernel", missing: ["0001_init"] },
    });
  });
});
