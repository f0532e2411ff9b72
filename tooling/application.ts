/** An application with a drizzle database of its own, over which it opens transactions, and Sherd on the same client. */
import { mkdtemp, rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { createClient } from "@libsql/client";
import { type DatabaseAdapter, migrate } from "@sherd/core";
import { postgresAdapter, type PostgresAdapterOptions, type PostgresDatabase } from "@sherd/postgres";
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
import { afterAll, beforeAll } from "vitest";
import { useDatabase } from "./databases.ts";

type AddOrder = (note: string) => Promise<void>;

export interface Application {
  readonly adapter: DatabaseAdapter;
  /** The drizzle database itself, which is no transaction. */
  readonly db: object;
  /** `db.transaction`, and an insert into the application's own table within it. */
  transaction(run: (tx: object, addOrder: AddOrder) => Promise<void>): Promise<void>;
  orders(): Promise<readonly string[]>;
}

interface Opened extends Application {
  close(): Promise<void>;
}

/** How an application has its client; in memory there is one connection, whatever this says. */
interface ApplicationOptions {
  /** With one, whoever asks for another inside a transaction waits for ever, and nothing is left to listen on. */
  readonly connections: number;
}

const createTable = sql.raw("create table app_order (note text not null)");
const pgOrder = pgTable("app_order", { note: pgText("note").notNull() });
const sqliteOrder = sqliteTable("app_order", { note: sqliteText("note").notNull() });

const applications = {
  "postgres.js": (url, { connections }) => {
    const client = postgres(url, { max: connections, onnotice: () => {} });
    return onPostgres(
      drizzlePostgresJs(client),
      () => client.end(),
      connections === 1 ? { listen: false } : {},
    );
  },
  "node-postgres": (url, { connections }) => {
    const pool = new pg.Pool({ connectionString: url, max: connections });
    pool.on("error", () => {});
    return onPostgres(drizzleNodePostgres({ client: pool }), () => pool.end());
  },
  PGlite: async () => {
    const client = await PGlite.create();
    return onPostgres(drizzlePglite({ client }), () => client.close());
  },
  libsql: async () => {
    const folder = await mkdtemp(join(tmpdir(), "sherd-test-"));
    const client = createClient({ url: `file:${join(folder, "app.db")}` });
    const db = drizzleLibsql(client);
    return onSqlite(db, sqliteAdapter(db), async () => {
      client.close();
      await rm(folder, { recursive: true });
    });
  },
  "node:sqlite in memory": async () => {
    const database = new DatabaseSync(":memory:");
    const db = drizzleProxy(async (text, params, method) => {
      const statement = database.prepare(text);
      statement.setReturnArrays(true);
      const rows = statement.all(...(params as string[]));
      return { rows: (method === "get" ? rows[0] : rows) as unknown[] };
    });
    return onSqlite(db, sqliteAdapter(database), async () => database.close());
  },
} as const satisfies Record<string, (url: string, options: ApplicationOptions) => Promise<Opened>>;

export type ApplicationKind = keyof typeof applications;

export const everyApplication = Object.keys(applications) as readonly ApplicationKind[];
/** Those whose database is a server's. */
export const onServer = ["postgres.js", "node-postgres"] as const satisfies readonly ApplicationKind[];

/** Have an application of this kind for the tests of the surrounding `describe`, with the kernel's tables. */
export function useApplication(
  kind: ApplicationKind,
  options: ApplicationOptions = { connections: 4 },
): Application {
  const server = onServer.some((one) => one === kind) ? useDatabase("postgres.js") : null;
  let opened: Opened | null = null;
  beforeAll(async () => {
    opened = await applications[kind](server?.location ?? "", options);
    await migrate(opened.adapter);
  }, 30_000);
  afterAll(() => opened?.close());
  const ready = () => {
    if (opened === null) throw new Error("The application is opened before the first test.");
    return opened;
  };
  return {
    get adapter() {
      return ready().adapter;
    },
    get db() {
      return ready().db;
    },
    transaction: (run) => ready().transaction(run),
    orders: () => ready().orders(),
  };
}

async function onPostgres(
  db: PostgresDatabase,
  end: () => Promise<void>,
  options: PostgresAdapterOptions = {},
): Promise<Opened> {
  const adapter = postgresAdapter(db, options);
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
): Promise<Opened> {
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
