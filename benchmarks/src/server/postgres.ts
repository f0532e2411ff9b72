/** One PostgreSQL for the whole run, the same for every system, and a fresh database for every measurement. */
import postgres, { type Sql } from "postgres";
import { type PostgresServer, startPostgres } from "../../../tooling/postgres.ts";

/** Durable as shipped: fsync and synchronous_commit stay on. No checkpoint falls into a measurement, statements are counted. */
const settings = {
  max_connections: 400,
  shared_buffers: "512MB",
  max_wal_size: "8GB",
  min_wal_size: "2GB",
  checkpoint_timeout: "30min",
  shared_preload_libraries: "pg_stat_statements",
  // Switched on in the databases whose statements are counted.
  "pg_stat_statements.track": "none",
};

/** What is printed with the results, so that a reader can judge them. */
const printed = [
  "server_version",
  "fsync",
  "synchronous_commit",
  "shared_buffers",
  "max_wal_size",
  "checkpoint_timeout",
  "wal_level",
  "full_page_writes",
  "autovacuum",
  "autovacuum_naptime",
  "max_connections",
  "jit",
];

export interface BenchmarkPostgres {
  /** A superuser's connection to another database than those that are measured. */
  readonly adminUrl: string;
  urlOf(database: string): string;
  settings(): Promise<Record<string, string>>;
  /** Create a database, empty but for the users' table, or as a copy of `template`. */
  create(database: string, options: CreateOptions): Promise<void>;
  drop(database: string): Promise<void>;
  stop(): Promise<void>;
}

export type StatementCount = "none" | "top" | "all";

interface CreateOptions {
  readonly template?: string;
  /** Count this database's statements: those of clients, or those within functions too. */
  readonly counts: StatementCount;
}

export async function startBenchmarkPostgres(): Promise<BenchmarkPostgres> {
  const server = await startPostgres(settings);
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await sql`create extension pg_stat_statements`;
  const urlOf = (database: string) => urlOnServer(server, database);
  return {
    adminUrl: server.url,
    urlOf,
    settings: () => readSettings(sql),
    create: (database, options) => create(sql, urlOf, database, options),
    async drop(database) {
      await sql`drop database if exists ${sql(database)} with (force)`;
    },
    async stop() {
      await sql.end();
      await server.stop();
    },
  };
}

function urlOnServer(server: PostgresServer, database: string): string {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  return url.href;
}

async function create(
  sql: Sql,
  urlOf: (database: string) => string,
  database: string,
  { template, counts }: CreateOptions,
): Promise<void> {
  // What the last measurement left to be written is not the next one's to pay. The copy is logged page by page, so that
  // its pages count as written since that checkpoint, and are not logged once more at their first change.
  await sql`checkpoint`;
  await sql`create database ${sql(database)} template ${sql(template ?? "template1")} strategy wal_log`;
  await sql`alter database ${sql(database)} set pg_stat_statements.track = ${sql.unsafe(`'${counts}'`)}`;
  if (template !== undefined) return;
  const inside = postgres(urlOf(database), { max: 1 });
  await inside`create table bench_order (
    id bigint generated always as identity primary key, amount integer not null, note text not null,
    created_at timestamp with time zone not null default now()
  )`;
  await inside.end();
}

async function readSettings(sql: Sql): Promise<Record<string, string>> {
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting from pg_settings where name = any(${printed})`;
  const byName = new Map(rows.map(({ name, setting }) => [name, setting]));
  return Object.fromEntries(printed.map((name) => [name, byName.get(name) ?? "unknown"]));
}
