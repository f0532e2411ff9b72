/** An application with a drizzle database and a table of its own, subjects on the same client, and a fragment. */
import { DatabaseSync } from "node:sqlite";
import { type DatabaseAdapter, defineFragment, instantiate, migrate, type Migration } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { sql } from "drizzle-orm";
import { pgTable, text as pgText } from "drizzle-orm/pg-core";
import { drizzle as drizzlePostgresJs } from "drizzle-orm/postgres-js";
import { drizzle as drizzleProxy } from "drizzle-orm/sqlite-proxy";
import { sqliteTable, text as sqliteText } from "drizzle-orm/sqlite-core";
import postgres from "postgres";

const createTable = sql.raw("create table app_order (note text not null)");
const pgOrder = pgTable("app_order", { note: pgText("note").notNull() });
const sqliteOrder = sqliteTable("app_order", { note: sqliteText("note").notNull() });

export interface Application {
  readonly adapter: DatabaseAdapter;
  /** `db.transaction`, and an insert into the application's own table within it. */
  transaction(run: (tx: object, addOrder: (note: string) => Promise<void>) => Promise<void>): Promise<void>;
  orders(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export const applications = {
  "node:sqlite in memory": openSqlite,
  "postgres.js": openPostgres,
} as const satisfies Record<string, (url: string | null) => Promise<Application>>;

async function openSqlite(): Promise<Application> {
  const database = new DatabaseSync(":memory:");
  const db = drizzleProxy(async (text, params, method) => {
    const statement = database.prepare(text);
    statement.setReturnArrays(true);
    const rows = statement.all(...(params as string[]));
    return { rows: (method === "get" ? rows[0] : rows) as unknown[] };
  });
  await db.run(createTable);
  const adapter = sqliteAdapter(database);
  return {
    adapter,
    transaction: (run) =>
      db.transaction((tx) => run(tx, async (note) => void (await tx.insert(sqliteOrder).values({ note })))),
    orders: async () => (await db.select().from(sqliteOrder)).map(({ note }) => note),
    async close() {
      await adapter.close();
      database.close();
    },
  };
}

async function openPostgres(url: string | null): Promise<Application> {
  // One connection: whoever asks for another inside a transaction waits for ever.
  const client = postgres(url ?? "", { max: 1, onnotice: () => {} });
  const db = drizzlePostgresJs(client);
  await db.execute(createTable);
  const adapter = postgresAdapter(db, { listen: false });
  return {
    adapter,
    transaction: (run) =>
      db.transaction((tx) => run(tx, async (note) => void (await tx.insert(pgOrder).values({ note })))),
    orders: async () => (await db.select().from(pgOrder)).map(({ note }) => note),
    async close() {
      await adapter.close();
      await client.end();
    },
  };
}

const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [`create table "{{namespace}}_row" (id uuid primary key not null, note text not null)`],
    sqlite: [`create table "{{namespace}}_row" (id text primary key not null, note text not null)`],
  },
];

const ledgerDefinition = defineFragment("ledger")
  .withTables((t) => ({ row: t.table("row", { id: t.id(), note: t.text("note").notNull() }) }), {
    migrations,
  })
  .withServices(() => ({
    async note(uow, note: string) {
      await uow.db.insert(uow.tables.row).values({ note });
    },
    async notes(uow): Promise<readonly string[]> {
      return (await uow.db.select().from(uow.tables.row)).map(({ note }) => note);
    },
  }))
  .build();

/** A fragment with a table of notes, migrated. */
export async function makeLedger(databaseAdapter: DatabaseAdapter) {
  const namespace = `l${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const ledger = instantiate(ledgerDefinition).withOptions({ databaseAdapter, namespace }).build();
  await migrate(ledger);
  return ledger;
}
