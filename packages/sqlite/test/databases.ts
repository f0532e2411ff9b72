import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseAdapter } from "@sherd/core";
import { createClient } from "@libsql/client";
import { drizzle } from "drizzle-orm/libsql";
import { onTestFinished } from "vitest";
import { sqliteAdapter, type SqliteAdapterOptions } from "../src/index.ts";

/** A file that goes with the test. */
export function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "sherd-sqlite-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, "test.db");
}

/** A libsql database that closes with the test. */
export async function openLibsql(path: string) {
  const client = createClient({ url: path === ":memory:" ? path : `file:${path}` });
  onTestFinished(() => client.close());
  await client.execute("PRAGMA journal_mode = WAL");
  return drizzle(client);
}

/** An adapter with the kernel's tables, closed with the test. */
export async function migrated(
  database: Parameters<typeof sqliteAdapter>[0],
  options?: SqliteAdapterOptions,
): Promise<DatabaseAdapter> {
  const adapter = sqliteAdapter(database, options);
  onTestFinished(() => adapter.close());
  await adapter.migrator.apply([adapter.migrator.kernel]);
  return adapter;
}

/** Each way to reach a database, made anew and migrated. */
export const kinds = {
  "node:sqlite in memory": (options?: SqliteAdapterOptions) => migrated(":memory:", options),
  "a node:sqlite file": (options?: SqliteAdapterOptions) => migrated(temporaryFile(), options),
  "a libsql file": async (options?: SqliteAdapterOptions) =>
    migrated(await openLibsql(temporaryFile()), options),
  "libsql in memory": async (options?: SqliteAdapterOptions) =>
    migrated(await openLibsql(":memory:"), options),
};
