import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";
import {
  createDurableHooksProcessor,
  defineFragment,
  type Dialect,
  instantiate,
  isSherdError,
} from "@sherd/core";
import { statementsBesideTables } from "@sherd/postgres";
import postgres from "postgres";
import { describe, expect, it, onTestFinished } from "vitest";
import { useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { openShop } from "./shop.ts";
import { rejection } from "./use-probe.ts";

type Kit = typeof import("../../../cli/node_modules/drizzle-kit/api.js");

// drizzle-kit is a dependency of the CLI, and of those who bring a schema of their own.
const { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration } =
  createRequire(new URL("../../../cli/package.json", import.meta.url))("drizzle-kit/api") as Kit;

/** The SQL that drizzle-kit makes of a schema, for an empty database. */
async function generate(
  dialect: Dialect,
  schema: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  return dialect === "postgres"
    ? generateMigration(generateDrizzleJson({}), generateDrizzleJson({ ...schema }))
    : generateSQLiteMigration(
        await generateSQLiteDrizzleJson({}),
        await generateSQLiteDrizzleJson({ ...schema }),
      );
}

async function execute(dialect: Dialect, location: string, statements: readonly string[]): Promise<void> {
  if (dialect === "sqlite") {
    const database = new DatabaseSync(location);
    for (const statement of statements) database.exec(statement);
    return database.close();
  }
  const sql = postgres(location, { max: 1, onnotice: () => {} });
  for (const statement of statements) await sql.unsafe(statement);
  await sql.end();
}

describe.each([
  ["postgres.js", "postgres"],
  ["node:sqlite on a file", "sqlite"],
] as const)("a drizzle-kit schema of the user's own, on %s", (kind, dialect) => {
  const database = useDatabase(kind);

  it("holding fragment.schema, makes a database on which the fragment works without migrate", async () => {
    const adapter = database.adapter();
    const shop = openShop(adapter, "shop");
    await execute(dialect, database.location ?? "", await generate(dialect, shop.schema));
    if (dialect === "postgres") {
      const refused = await rejection(shop.services.add("too early"));
      expect(isSherdError(refused, "NOT_MIGRATED") && refused.details.missing).toContain("sherd_claim_v1");
      await execute(dialect, database.location ?? "", statementsBesideTables);
    }
    const id = await shop.services.add("lamp");
    expect(await shop.services.names()).toEqual(["lamp"]);
    const processor = createDurableHooksProcessor(shop);
    expect(await processor?.processDue()).toMatchObject({ completed: 1, failed: 0, nextWakeAt: null });
    expect(await shop.hooks.get(id)).toMatchObject({ status: "completed" });
    const keyed = { key: "k", onConflict: "replace", concurrencyKey: "c" } as const;
    await shop.transaction(async (uow) => {
      for (let trigger = 0; trigger < 2; trigger++) uow.triggerHook("index", null, keyed);
    });
    expect(await processor?.processDue()).toMatchObject({ completed: 1 });
  });

  it("holds two fragments side by side", async () => {
    const adapter = database.adapter();
    const [one, two] = [openShop(adapter, "one"), openShop(adapter, "two")];
    const made = (await generate(dialect, { ...one.schema, ...two.schema })).join("\n");
    for (const table of ["one_article", "two_article", "sherd_item"]) expect(made).toContain(table);
  });

  it("has every table of the kernel, whatever the fragment's own are called", async () => {
    const adapter = database.adapter();
    onTestFinished(() => adapter.close());
    const kernel = Object.keys(adapter.tables);
    const definition = defineFragment("names")
      .withTables((t) => Object.fromEntries(kernel.map((name) => [name, t.table(name, { id: t.id() })])))
      .build();
    const { schema } = instantiate(definition)
      .withOptions({ databaseAdapter: adapter, namespace: freshNamespace() })
      .build();
    const made = (await generate(dialect, schema)).join("\n");
    for (const table of ["sherd_item", "sherd_lease", "sherd_history", "sherd_migration"]) {
      expect(made).toMatch(new RegExp(`create table ["\`]${table}["\`]`, "i"));
    }
  });
});

describe("a drizzle-kit schema of the user's own, without the functions of PostgreSQL", () => {
  const database = useDatabase("postgres.js");

  it("is NOT_MIGRATED, with advice that works: the tables are there, so it is not to make them again", async () => {
    const shop = openShop(database.adapter(), "shop");
    await execute("postgres", database.location ?? "", await generate("postgres", shop.schema));
    const refused = await rejection(shop.services.add("too early"));
    expect((refused as Error).message).toContain("statementsBesideTables");
  });
});
