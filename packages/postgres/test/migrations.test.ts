import { readFile } from "node:fs/promises";
import { isSherdError, type Migration } from "@sherd/core";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { postgresAdapter } from "../src/index.ts";
import { migrations } from "../src/migrations/index.ts";
import { createDatabase, drivers } from "./databases.ts";
import { claim, enqueue } from "./queues.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let sql: Sql;

beforeEach(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
  return async () => {
    await sql.end();
    await database.drop();
  };
});

test.each(migrations.map(({ tag }) => tag))("what is inlined of %s is its file", async (tag) => {
  const text = await readFile(new URL(`../src/migrations/${tag}.sql`, import.meta.url), "utf8");
  const statements = text
    .split("--> statement-breakpoint")
    .map((statement) => `  \`${statement.trim()}\`,\n`);
  const inlined = `// Inlined from ${tag}.sql; \`vitest -u\` writes it anew.
export const ${tag.slice("0000_".length)}: readonly string[] = [\n${statements.join("")}];\n`;
  await expect(inlined).toMatchFileSnapshot(`../src/migrations/${tag}.ts`);
});

test("eight processes that migrate at once apply each migration once", async () => {
  const opened = Array.from({ length: 8 }, (_, index) =>
    drivers[index % 2 === 0 ? "url" : "node-postgres"](database.url, { listen: false }),
  );
  const reports = await Promise.all(
    opened.map(({ adapter }) => adapter.migrator.apply([adapter.migrator.kernel])),
  );
  const applied = reports.flatMap(([report]) => report?.applied ?? []);
  expect(applied).toEqual(migrations.map(({ tag }) => tag));
  await Promise.all(opened.map(({ close }) => close()));
});

test("a migration that fails leaves nothing behind, of no scope", async () => {
  const adapter = postgresAdapter(database.url);
  const broken: Migration = {
    tag: "0001_init",
    compatible: true,
    postgres: ["create table t (id int)", "no sql"],
    sqlite: [],
  };
  await expect(
    adapter.migrator.apply([adapter.migrator.kernel, { scope: "broken", migrations: [broken] }]),
  ).rejects.toMatchObject({ code: "42601" });
  expect(await sql`select relname from pg_class where relnamespace = 'public'::regnamespace`).toEqual([]);
  await adapter.close();
});

test("with nothing to apply, no table is locked and none need be made", async () => {
  const adapter = postgresAdapter(database.url);
  await adapter.migrator.apply([adapter.migrator.kernel]);
  await sql.begin(async (tx) => {
    await tx`lock table sherd_item, sherd_lease, sherd_history in row exclusive mode`;
    const [report] = await adapter.migrator.apply([adapter.migrator.kernel]);
    expect(report?.applied).toEqual([]);
  });
  await adapter.close();
});

describe("a user who migrates with a schema of their own", () => {
  test("is told of functions that are missing beside their tables", async () => {
    const adapter = postgresAdapter(database.url);
    for (const statement of migrations[0]?.postgres ?? []) await sql.unsafe(statement);
    const error: unknown = await adapter.migrator
      .verify([adapter.migrator.kernel])
      .catch((thrown: unknown) => thrown);
    expect(isSherdError(error, "NOT_MIGRATED") && error.details.missing).toContain("sherd_claim_v1");
    for (const { postgres: statements } of migrations.slice(1))
      for (const text of statements) await sql.unsafe(text);
    await adapter.migrator.verify([adapter.migrator.kernel]);
    await adapter.close();
  });
});

test("the kernel lives in whatever schema the search_path leads to", async () => {
  await sql`create schema "other schema"`;
  const url = `${database.url}?search_path=${encodeURIComponent('"other schema"')}`;
  const adapter = postgresAdapter(url);
  await adapter.migrator.apply([adapter.migrator.kernel]);
  await enqueue(adapter, "elsewhere", {}, { key: "a" });
  expect(await claim(adapter, "elsewhere")).toHaveLength(2);
  expect(await sql`select to_regclass('public.sherd_item') as there`).toEqual([{ there: null }]);
  await adapter.close();
});

test("a database whose transactions are not READ COMMITTED by default is refused, as claims would not be exact", async () => {
  const strict = await createDatabase({ default_transaction_isolation: "repeatable read" });
  const adapter = postgresAdapter(strict.url);
  await adapter.migrator.apply([adapter.migrator.kernel]);
  await enqueue(adapter, "strict", {});
  await expect(claim(adapter, "strict")).rejects.toMatchObject({ code: "INVALID_OPTION" });
  await adapter.close();
  await strict.drop();
});

describe("the drizzle schema is the migrated database", () => {
  let migrated: Awaited<ReturnType<typeof createDatabase>>;
  let catalog: Sql;
  const adapter = () => postgresAdapter(migrated.url, { listen: false });
  const tables = Object.values(postgresAdapter("postgres://nowhere").tables) as PgTable[];

  beforeAll(async () => {
    migrated = await createDatabase();
    const migrating = adapter();
    await migrating.migrator.apply([migrating.migrator.kernel]);
    await migrating.close();
    catalog = postgres(migrated.url, { max: 1 });
  });

  afterAll(async () => {
    await catalog.end();
    await migrated.drop();
  });

  test("and has no table beside it", async () => {
    const rows =
      await catalog`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`;
    expect(rows.map(({ relname }) => relname as string).toSorted()).toEqual(
      tables.map((table) => getTableConfig(table).name).toSorted(),
    );
  });

  test.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
    "in %s",
    async (name, table) => {
      const { columns, indexes, checks, primaryKeys } = getTableConfig(table);
      const actual = await catalog`
      select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull",
        attidentity <> '' as identity, atthasdef as "hasDefault"
      from pg_attribute where attrelid = ${name}::regclass and attnum > 0 order by attnum`;
      expect([...actual]).toEqual(
        columns.map((column) => ({
          name: column.name,
          type: column.getSQLType(),
          notNull: column.notNull,
          identity: column.generatedIdentity !== undefined,
          hasDefault: column.hasDefault && column.generatedIdentity === undefined,
        })),
      );
      const catalogued = await catalog<{ name: string; definition: string }[]>`
      select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
      where indrelid = ${name}::regclass union all
      select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = ${name}::regclass and contype = 'c'`;
      const names = [...indexes.map((index) => index.config.name), ...checks.map((check) => check.name)];
      expect(catalogued.map((row) => row.name).toSorted()).toEqual(
        [...names, ...primaryKeys.map((key) => key.getName())].toSorted(),
      );
      // What PostgreSQL makes of the schema's text must be what it made of the migration's.
      await catalog.unsafe(`create temporary table copied (like ${name} including defaults)`);
      for (const { config } of indexes) {
        const keys = config.columns.map((column) =>
          "name" in column ? `"${column.name}" ${column.indexConfig?.order ?? ""}` : "",
        );
        await catalog.unsafe(`create ${config.unique ? "unique" : ""} index copied_index on copied (${keys.join(",")})
        ${config.where ? `where ${textOf(config.where)}` : ""}`);
        const [made] = await catalog<
          { definition: string }[]
        >`select pg_get_indexdef('copied_index'::regclass) as definition`;
        expect(normal(made?.definition)).toBe(
          normal(catalogued.find((row) => row.name === config.name)?.definition),
        );
        await catalog`drop index copied_index`;
      }
      for (const check of checks) {
        await catalog.unsafe(`alter table copied add constraint copied_check check (${textOf(check.value)})`);
        const [made] = await catalog<{ definition: string }[]>`
        select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'copied_check'`;
        expect(made?.definition).toBe(catalogued.find((row) => row.name === check.name)?.definition);
        await catalog`alter table copied drop constraint copied_check`;
      }
      await catalog`drop table copied`;
    },
  );
});

function textOf(expression: { readonly queryChunks: unknown[] }): string {
  return expression.queryChunks
    .map((chunk) => (chunk as { readonly value: readonly string[] }).value.join(""))
    .join("");
}

function normal(definition: string | undefined): string | undefined {
  return definition?.replace(/INDEX \w+ ON \S+ USING/, "INDEX ON USING");
}
