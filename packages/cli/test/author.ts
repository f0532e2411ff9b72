/** What the stories share: a fragment's author with a directory, and databases that run what was written. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import type { Dialect, Migration } from "@sherd/core";
import { onTestFinished } from "vitest";
import { readMigrations } from "../src/migration/directory.ts";

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sherd-cli-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

export interface TestDatabase {
  exec(sql: string): Promise<void>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
}

export const dialects: readonly Dialect[] = ["postgres", "sqlite"];

export async function openDatabase(dialect: Dialect): Promise<TestDatabase> {
  if (dialect === "sqlite") {
    const database = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
    onTestFinished(() => database.close());
    return {
      exec: async (sql) => database.exec(sql),
      rows: async (sql) =>
        database
          .prepare(sql)
          .all()
          .map((row) => ({ ...row })),
    };
  }
  const database = new PGlite();
  onTestFinished(() => database.close());
  return {
    exec: async (sql) => void (await database.exec(sql)),
    rows: async (sql) => (await database.query<Record<string, unknown>>(sql)).rows,
  };
}

/** Run migrations for a namespace, each in a transaction, as a migrator does. */
export async function migrate(
  database: TestDatabase,
  dialect: Dialect,
  options: { readonly namespace: string; readonly migrations: readonly Migration[] },
): Promise<void> {
  for (const migration of options.migrations) {
    await database.exec("BEGIN");
    for (const sql of migration[dialect])
      await database.exec(sql.replaceAll("{{namespace}}", options.namespace));
    await database.exec("COMMIT");
  }
}

export async function newestMigration(directory: string): Promise<readonly Migration[]> {
  return (await readMigrations(directory)).slice(-1);
}
