/** Databases of a test file's own, on the run's server or in this process, each over one driver. */
import { PGlite } from "@electric-sql/pglite";
import type { DatabaseAdapter } from "@sherd/core";
import { drizzle as drizzleNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { drizzle as drizzlePostgresJs } from "drizzle-orm/postgres-js";
import pg from "pg";
import postgres from "postgres";
import { inject } from "vitest";
import { postgresAdapter, type PostgresAdapterOptions, type PostgresDatabase } from "../src/index.ts";

/** An empty database, or one with settings such as a time zone. Dropped by `drop`, whoever is still connected. */
export async function createDatabase(
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const admin = postgres(inject("postgresUrl"), { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  for (const [setting, value] of Object.entries(settings)) {
    await admin.unsafe(`alter database ${name} set ${setting} = '${value}'`);
  }
  const url = new URL(inject("postgresUrl"));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

export interface Opened {
  readonly adapter: DatabaseAdapter;
  /** The user's own drizzle database on the same connections. */
  readonly db: PostgresDatabase;
  close(): Promise<void>;
}

export type Open = (url: string, options?: PostgresAdapterOptions) => Opened;

/** The drivers over a server. */
export const drivers: Readonly<Record<"url" | "postgres.js" | "node-postgres", Open>> = {
  url(url, options) {
    const client = postgres(url, { max: 2, onnotice: () => {} });
    const adapter = postgresAdapter(url, options);
    return {
      adapter,
      db: drizzlePostgresJs(client),
      close: async () => void (await Promise.all([adapter.close(), client.end()])),
    };
  },
  "postgres.js"(url, options) {
    const client = postgres(url, { max: 10, onnotice: () => {} });
    const db = drizzlePostgresJs(client);
    const adapter = postgresAdapter(db, options);
    return { adapter, db, close: () => adapter.close().then(() => client.end()) };
  },
  "node-postgres"(url, options) {
    const pool = new pg.Pool({ connectionString: url, max: 10 });
    // A server that goes away is part of the tests; without a listener it would end the process.
    pool.on("error", () => {});
    const db = drizzleNodePostgres(pool);
    const adapter = postgresAdapter(db, options);
    return { adapter, db, close: () => adapter.close().then(() => pool.end()) };
  },
};

/** A PostgreSQL in this process, with one connection. */
export function openPglite(options?: PostgresAdapterOptions): Opened {
  const client = new PGlite();
  const db = drizzlePglite(client);
  const adapter = postgresAdapter(db, options);
  return { adapter, db, close: () => adapter.close().then(() => client.close()) };
}
