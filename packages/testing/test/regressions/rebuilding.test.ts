import { DatabaseSync } from "node:sqlite";
import { createClient } from "@libsql/client";
import type { Migration } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { drizzle } from "drizzle-orm/libsql";
import { expect, it, onTestFinished } from "vitest";
import { freshFile } from "./bounded.ts";

const migration = (tag: string, sqlite: readonly string[]): Migration => ({
  tag,
  compatible: true,
  postgres: [],
  sqlite,
});

const init = migration("0001_init", [
  "create table parent (id text primary key)",
  "create table child (id text primary key, parent text not null references parent(id) on delete cascade)",
  "insert into parent values ('p')",
  "insert into child values ('c', 'p')",
]);

/** As drizzle-kit writes it, which leaves it to foreign keys that are off that no row goes with the old table. */
const rebuild = migration("0002_rebuild", [
  "create table __new_parent (id text primary key, note text)",
  "insert into __new_parent (id) select id from parent",
  "drop table parent",
  "alter table __new_parent rename to parent",
]);

it("a migration that rebuilds a table keeps the rows that refer to it, also while the owner has a transaction open", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const { migrator } = sqliteAdapter(database);
  await migrator.apply([migrator.kernel, { scope: "shop", migrations: [init] }]);
  database.exec("BEGIN");
  const applied = migrator.apply([migrator.kernel, { scope: "shop", migrations: [init, rebuild] }]);
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  database.exec("COMMIT");
  await applied;
  expect(database.prepare("select id from child").all()).toHaveLength(1);
});

it("a migration that rebuilds a table keeps the rows that refer to it, on libsql", async () => {
  const client = createClient({ url: `file:${await freshFile()}` });
  onTestFinished(() => client.close());
  const { migrator } = sqliteAdapter(drizzle(client));
  await migrator.apply([migrator.kernel, { scope: "shop", migrations: [init] }]);
  await migrator.apply([migrator.kernel, { scope: "shop", migrations: [init, rebuild] }]);
  expect((await client.execute("select id from child")).rows).toHaveLength(1);
});
