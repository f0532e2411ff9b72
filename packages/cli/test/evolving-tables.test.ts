import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineFragment, type TableBuilder } from "@sherd/core";
import { sql } from "drizzle-orm";
import { createJiti } from "jiti";
import * as prettier from "prettier";
import { describe, expect, test, vi } from "vitest";
import { checkMigrations, generateMigrations } from "../src/index.ts";
import { readMigrations } from "../src/migration/directory.ts";
import { dialects, migrate, newestMigration, openDatabase, temporaryDirectory } from "./author.ts";

// PGlite takes seconds to start where processors are few.
vi.setConfig({ testTimeout: 60_000 });

type Evolution = "first" | "added" | "dropped" | "unique" | "rebuilt";

function webhooks(evolution: Evolution) {
  return defineFragment("webhooks")
    .withTables((t) => {
      const endpoint = endpointTable(t, evolution);
      const delivery = t.table("delivery", {
        id: t.id(),
        endpointId: t
          .uuid("endpoint_id")
          .notNull()
          .references(() => endpoint.id, { onDelete: "cascade" }),
        ...(evolution === "first" ? {} : { previousId: t.uuid("previous_id").references(() => endpoint.id) }),
      });
      return { endpoint, delivery };
    })
    .build();
}

function endpointTable(t: TableBuilder, evolution: Evolution) {
  const columns = {
    id: t.id(),
    url: evolution === "rebuilt" ? t.text("url").unique() : t.text("url").notNull().unique(),
    active: t.boolean("active").notNull().default(true),
    note: t.text("note").default("it's `quoted` ${x} \\"),
    ...(evolution === "dropped" ? {} : { weight: t.integer("weight") }),
    ...(evolution === "first" ? {} : { secret: t.text("secret") }),
    ...(evolution === "rebuilt" ? { retries: t.integer("retries").notNull().default(3) } : {}),
  };
  return t.table("endpoint", columns, (self) => [
    t
      .index("endpoint_active")
      .on(self.active)
      .where(sql`${self.active} = true`),
    t.index("endpoint_note").on(self.note),
    ...(evolution === "unique" ? [t.uniqueIndex("endpoint_secret").on(self.url, self.active)] : []),
  ]);
}

async function generated(...evolutions: Evolution[]): Promise<string> {
  const directory = await temporaryDirectory();
  for (const evolution of evolutions)
    await generateMigrations({ definition: webhooks(evolution), directory });
  return directory;
}

const insertEndpoint = (namespace: string, id: number, url: string) =>
  `INSERT INTO "${namespace}_endpoint" (id, url) VALUES ('${uuid(id)}', '${url}')`;
const insertDelivery = (namespace: string, id: number, endpoint: number) =>
  `INSERT INTO "${namespace}_delivery" (id, endpoint_id) VALUES ('${uuid(id)}', '${uuid(endpoint)}')`;
const uuid = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

describe("an author's migrations", () => {
  test("begin with 0001_init in both dialects, compatible, with its snapshot and index", async () => {
    const directory = await temporaryDirectory();
    const { migration, files } = await generateMigrations({ definition: webhooks("first"), directory });
    expect(migration).toMatchObject({ tag: "0001_init", compatible: true });
    expect(files).toEqual(
      ["0001_init.postgres.sql", "0001_init.sqlite.sql", "snapshots/0001.json", "index.ts"].map((file) =>
        join(directory, file),
      ),
    );
    const text = await readFile(join(directory, "0001_init.postgres.sql"), "utf8");
    expect(text).toMatch(/^-- sherd: compatible\nCREATE TABLE "{{namespace}}_endpoint" \(/);
    expect(text).not.toMatch(/__namespace__|"public"/);
  });

  test("are untouched when nothing changed", async () => {
    const directory = await generated("first");
    const again = await generateMigrations({ definition: webhooks("first"), directory });
    expect(again).toEqual({ migration: null, files: [] });
  });

  test("write nothing for a fragment without tables", async () => {
    const directory = join(await temporaryDirectory(), "migrations");
    const definition = defineFragment("empty").build();
    expect(await generateMigrations({ definition, directory })).toEqual({ migration: null, files: [] });
    expect(await checkMigrations({ definition, directory })).toEqual([]);
  });

  test("are compatible when a column is added that may be left out, with an index or a reference", async () => {
    const directory = await generated("first", "added");
    expect((await newestMigration(directory))[0]).toMatchObject({ tag: "0002_change", compatible: true });
  });

  test("are breaking when a column is dropped, or a unique index put on an existing table", async () => {
    expect(await newestMigration(await generated("first", "added", "dropped"))).toMatchObject([
      { tag: "0003_change", compatible: false },
    ]);
    expect(await newestMigration(await generated("first", "added", "unique"))).toMatchObject([
      { compatible: false },
    ]);
  });

  test("are breaking when the author says so, and bear the label that the author gave", async () => {
    const directory = await generated("first");
    const { migration } = await generateMigrations({
      definition: webhooks("added"),
      directory,
      label: "add_secret",
      breaking: true,
    });
    expect(migration).toMatchObject({ tag: "0002_add_secret", compatible: false });
    expect(await readFile(join(directory, "0002_add_secret.sqlite.sql"), "utf8")).toMatch(
      /^-- sherd: breaking\n/,
    );
  });

  test("write nothing under a label that cannot be in a file name", async () => {
    const directory = await generated();
    const attempt = generateMigrations({ definition: webhooks("first"), directory, label: "../up" });
    await expect(attempt).rejects.toMatchObject({ code: "LABEL_INVALID" });
    expect(await readMigrations(directory)).toEqual([]);
  });

  test("read the same inlined as in the .sql files, formatted as prettier does", async () => {
    const directory = await generated("first", "added", "dropped");
    const file = join(directory, "index.ts");
    const { migrations } = await createJiti(import.meta.url, { fsCache: false }).import<{
      migrations: unknown;
    }>(file);
    expect(migrations).toEqual(await readMigrations(directory));
    const text = await readFile(file, "utf8");
    expect(await prettier.format(text, { parser: "typescript", printWidth: 110 })).toBe(text);
  });
});

describe.each(dialects)("on %s", (dialect) => {
  test("two namespaces live side by side, with references, unique values and defaults of their own", async () => {
    const database = await openDatabase(dialect);
    const migrations = await readMigrations(await generated("first", "added", "dropped", "added", "unique"));
    for (const namespace of ["shop", "shop-2"]) {
      await migrate(database, dialect, { namespace, migrations });
      await database.exec(insertEndpoint(namespace, 1, "https://a.example"));
      await database.exec(insertDelivery(namespace, 2, 1));
    }
    expect(await database.rows(`SELECT url, note FROM "shop-2_endpoint"`)).toEqual([
      { url: "https://a.example", note: "it's `quoted` ${x} \\" },
    ]);
    await expect(database.exec(insertEndpoint("shop", 3, "https://a.example"))).rejects.toThrow(/unique/i);
    await expect(database.exec(insertDelivery("shop", 3, 99))).rejects.toThrow(/foreign key/i);
    await database.exec(`DELETE FROM "shop_endpoint"`);
    expect(await database.rows(`SELECT id FROM "shop_delivery"`)).toEqual([]);
    expect(await database.rows(`SELECT id FROM "shop-2_delivery"`)).toHaveLength(1);
  });

  test("a changed column keeps the rows, also those that refer to it with ON DELETE CASCADE", async () => {
    const database = await openDatabase(dialect);
    const directory = await generated("first", "added");
    await migrate(database, dialect, { namespace: "shop", migrations: await readMigrations(directory) });
    await database.exec(insertEndpoint("shop", 1, "https://a.example"));
    await database.exec(insertDelivery("shop", 2, 1));

    await generateMigrations({ definition: webhooks("rebuilt"), directory });
    const migrations = await newestMigration(directory);
    expect(migrations).toMatchObject([{ compatible: false }]);
    await migrate(database, dialect, { namespace: "shop", migrations });

    expect(await database.rows(`SELECT url, retries FROM "shop_endpoint"`)).toEqual([
      { url: "https://a.example", retries: 3 },
    ]);
    expect(await database.rows(`SELECT endpoint_id FROM "shop_delivery"`)).toEqual([
      { endpoint_id: uuid(1) },
    ]);
    await database.exec(`INSERT INTO "shop_endpoint" (id) VALUES ('${uuid(4)}')`);
    await expect(database.exec(insertDelivery("shop", 5, 99))).rejects.toThrow(/foreign key/i);
    await expect(database.exec(insertEndpoint("shop", 6, "https://a.example"))).rejects.toThrow(/unique/i);
  });

  test("a dropped table leaves the rows that referred to it, without their reference", async () => {
    const database = await openDatabase(dialect);
    const directory = await generated("first");
    await migrate(database, dialect, { namespace: "shop", migrations: await readMigrations(directory) });
    await database.exec(insertEndpoint("shop", 1, "https://a.example"));
    await database.exec(insertDelivery("shop", 2, 1));

    const definition = defineFragment("webhooks")
      .withTables((t) => ({
        delivery: t.table("delivery", { id: t.id(), endpointId: t.uuid("endpoint_id").notNull() }),
      }))
      .build();
    await generateMigrations({ definition, directory });
    await migrate(database, dialect, { namespace: "shop", migrations: await newestMigration(directory) });
    expect(await database.rows(`SELECT endpoint_id FROM "shop_delivery"`)).toEqual([
      { endpoint_id: uuid(1) },
    ]);
    await expect(database.rows(`SELECT id FROM "shop_endpoint"`)).rejects.toThrow(/shop_endpoint/);

    await generateMigrations({ definition: defineFragment("webhooks").build(), directory });
    await migrate(database, dialect, { namespace: "shop", migrations: await newestMigration(directory) });
    await expect(database.rows(`SELECT id FROM "shop_delivery"`)).rejects.toThrow(/shop_delivery/);
  });
});
