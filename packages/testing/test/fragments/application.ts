/** An application with a drizzle database of its own, over which it opens transactions, and Sherd on the same client. */
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import { createClient } from "@libsql/client";
import type { DatabaseAdapter } from "@sherd/core";
import { postgresAdapter, type PostgresDatabase } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { sql } from "drizzle-orm";
import { drizzle as drizzleLibsql } from "drizzle-orm/libsql";
import { drizzle as drizzleNodePostgres } from "drizzle-orm/node-postgres";
import { pgTable, text as pgText } from "drizzle-orm/pg-core";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { drizzle as drizzlePostgresJs } from "drizzle-orm/postgres-js";
import { type BaseSQLiteDatabase, sqliteTable, text as sqliteText } from "drizzle-orm/sqlite-core";
import { drizzle as drizzleProxy } from "drizzle-orm/sqlite-proxy";
import pg from "pg";
import postgres from "postgres";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

type AddOrder = (note: string) => Promise<void>;

export interface Application {
  readonly adapter: DatabaseAdapter;
  /** The drizzle database itself, which is no transaction. */
  readonly db: object;
  /** `db.transaction`, and an insert into the application's own table within it. */
  transaction(run: (tx: object, addOrder: AddOrder) => Promise<void>): Promise<void>;
  orders(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const createTable = sql.raw("create table app_order (note text not null)");
const pgOrder = pgTable("app_order", { note: pgText("note").notNull() });
const sqliteOrder = sqliteTable("app_order", { note: sqliteText("note").notNull() });

export const applications = {
  "postgres.js": (url: string) => {
    const client = postgres(url, { max: 4, onnotice: () => {} });
    return onPostgres(drizzlePostgresJs(client), () => client.end());
  },
  "node-postgres": (url: string) => {
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    pool.on("error", () => {});
    return onPostgres(drizzleNodePostgres({ client: pool }), () => pool.end());
  },
  PGlite: async () => {
    const client = await PGlite.create();
    return onPostgres(drizzlePglite({ client }), () => client.close());
  },
  libsql: async () => {
    const folder = await mkdtemp(join(tmpdir(), "sherd-fragments-"));
    const client = createClient({ url: `file:${join(folder, "app.db")}` });
    const db = drizzleLibsql(client);
    return onSqlite(db, sqliteAdapter(db), async () => {
      client.close();
      await rm(folder, { recursive: true });
    });
  },
  "node:sqlite": async () => {
    const database = new DatabaseSync(":memory:");
    const db = drizzleProxy(async (text, params, method) => {
      const statement = database.prepare(text);
      statement.setReturnArrays(true);
      const rows = statement.all(...(params as string[]));
      return { rows: (method === "get" ? rows[0] : rows) as unknown[] };
    });
    return onSqlite(db, sqliteAdapter(database), async () => database.close());
  },
} as const satisfies Record<string, (url: string) => Promise<Application>>;

export type ApplicationKind = keyof typeof applications;

async function onPostgres(db: PostgresDatabase, end: () => Promise<void>): Promise<Application> {
  const adapter = postgresAdapter(db);
  await db.execute(createTable);
  return {
    adapter,
    db,
    transaction: (run) =>
      db.transaction((tx) => run(tx, async (note) => void (await tx.insert(pgOrder).values({ note })))),
    orders: async () => (await db.select().from(pgOrder)).map(({ note }) => note),
    async close() {
      await adapter.close();
      await end();
    },
  };
}

async function onSqlite(
  db: BaseSQLiteDatabase<"async", unknown, Record<string, never>>,
  adapter: DatabaseAdapter,
  end: () => Promise<void>,
): Promise<Application> {
  await db.run(createTable);
  return {
    adapter,
    db,
    transaction: (run) =>
      db.transaction((tx) => run(tx, async (note) => void (await tx.insert(sqliteOrder).values({ note })))),
    orders: async () => (await db.select().from(sqliteOrder)).map(({ note }) => note),
    async close() {
      await adapter.close();
      await end();
    },
  };
}
