/** Databases for tests: every kind that there is an adapter for. Those on a server are on the run's `postgresUrl`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { createClient } from "@libsql/client";
import { type DatabaseAdapter, migrate, type StatementObserver } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter, type SqliteAdapterOptions } from "@sherd/sqlite";
import { drizzle as drizzleLibsql } from "drizzle-orm/libsql";
import { drizzle as drizzleNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, inject, onTestFinished, TestRunner } from "vitest";

export interface OpenOptions {
  readonly onStatement?: StatementObserver;
}

/** One database of one kind, for the tests of one `describe`. */
export interface TestDatabase {
  /**
   * Open an adapter with connections of its own, as another process would. It is closed when the test has finished; outside
   * of one, after the last. In memory there is one, always the same.
   */
  adapter(options?: OpenOptions): DatabaseAdapter;
  /** What a child process needs to open it too; null in memory. */
  readonly location: string | null;
  /** Let time pass for due times and leases, without waiting for it. */
  pass(ms: number): Promise<void>;
  /** The database's clock. */
  now(): number;
}

interface OpenAdapter {
  readonly adapter: DatabaseAdapter;
  end(): Promise<void>;
}

interface Opened extends Pick<TestDatabase, "location" | "pass" | "now"> {
  open(options: OpenOptions): OpenAdapter;
  remove(): Promise<void>;
}

const kinds = {
  "node:sqlite in memory": openMemory,
  "node:sqlite on a file": () => openFile((path, options) => owned(sqliteAdapter(path, options))),
  libsql: () => openFile(openLibsql),
  PGlite: openPglite,
  "postgres.js": () => openServer((url, options) => owned(postgresAdapter(url, options))),
  "node-postgres": () => openServer(openNodePostgres),
} as const satisfies Record<string, () => Promise<Opened>>;

export type DatabaseKind = keyof typeof kinds;

export const everyDatabase = Object.keys(kinds) as readonly DatabaseKind[];
/** One of each dialect. */
export const bothDatabases = [
  "node:sqlite in memory",
  "postgres.js",
] as const satisfies readonly DatabaseKind[];
/** The two that several processes share. */
export const sharedDatabases = [
  "node:sqlite on a file",
  "postgres.js",
] as const satisfies readonly DatabaseKind[];

/** Have an empty database of this kind for the tests of the surrounding `describe`. */
export function useDatabase(kind: DatabaseKind): TestDatabase {
  let opened: Opened | null = null;
  const adapters: OpenAdapter[] = [];
  beforeAll(async () => {
    opened = await kinds[kind]();
  }, 30_000);
  afterAll(async () => {
    for (const { end } of adapters.splice(0)) await end();
    await opened?.remove();
  }, 30_000);
  const ready = () => {
    if (opened === null) throw new Error("The database is opened before the first test.");
    return opened;
  };
  return {
    get location() {
      return ready().location;
    },
    adapter(options = {}) {
      const { location, open } = ready();
      const [first] = adapters;
      if (location === null && first !== undefined) return first.adapter;
      const next = open(options);
      // What a test starts on it afterwards is stopped before.
      if (location !== null && TestRunner.getCurrentTest() !== undefined) onTestFinished(() => next.end());
      else adapters.push(next);
      return next.adapter;
    },
    pass: (ms) => ready().pass(ms),
    now: () => ready().now(),
  };
}

/** As `useDatabase`, with the kernel's tables. */
export function useMigratedDatabase(kind: DatabaseKind): TestDatabase {
  const database = useDatabase(kind);
  beforeAll(() => migrate(database.adapter()), 30_000);
  return database;
}

function owned(adapter: DatabaseAdapter): OpenAdapter {
  return { adapter, end: () => adapter.close() };
}

/** A clock that goes on by itself, and can be put forward. */
function clock(): Pick<Opened, "now" | "pass"> {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    pass: async (ms) => void (aheadMs += ms),
  };
}

async function openMemory(): Promise<Opened> {
  const time = clock();
  return {
    ...time,
    location: null,
    open: (options) => owned(sqliteAdapter(":memory:", { ...options, clock: time })),
    remove: async () => {},
  };
}

async function openFile(open: (path: string, options: SqliteAdapterOptions) => OpenAdapter): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "sherd-test-"));
  const location = join(folder, "app.db");
  const time = clock();
  return {
    ...time,
    location,
    open: (options) => open(location, { ...options, clock: time }),
    remove: () => rm(folder, { recursive: true }),
  };
}

function openLibsql(path: string, options: SqliteAdapterOptions): OpenAdapter {
  const client = createClient({ url: `file:${path}` });
  const adapter = sqliteAdapter(drizzleLibsql(client), options);
  return {
    adapter,
    async end() {
      await adapter.close();
      client.close();
    },
  };
}

/** A server's clock cannot be put forward, so all that has a time is put back. */
function serverTime(execute: (statements: string) => Promise<unknown>): Pick<Opened, "now" | "pass"> {
  return {
    now: () => Date.now(),
    async pass(ms) {
      const by = `interval '${ms} milliseconds'`;
      await execute(`update sherd_item set at = at - ${by}, started_at = started_at - ${by}`);
      await execute(`update sherd_lease set expires_at = expires_at - ${by}`);
    },
  };
}

async function openPglite(): Promise<Opened> {
  const client = await PGlite.create();
  return {
    ...serverTime((statements) => client.exec(statements)),
    location: null,
    open: (options) => owned(postgresAdapter(drizzlePglite({ client }), options)),
    remove: () => client.close(),
  };
}

async function openServer(open: (url: string, options: OpenOptions) => OpenAdapter): Promise<Opened> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const server = postgres(inject("postgresUrl"), { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${name}`);
  const location = new URL(inject("postgresUrl"));
  location.pathname = name;
  const sql = postgres(location.href, { max: 1, onnotice: () => {} });
  return {
    ...serverTime((statements) => sql.unsafe(statements)),
    location: location.href,
    open: (options) => open(location.href, options),
    async remove() {
      await sql.end();
      await server.unsafe(`drop database ${name} with (force)`);
      await server.end();
    },
  };
}

function openNodePostgres(url: string, options: OpenOptions): OpenAdapter {
  const pool = new pg.Pool({ connectionString: url });
  // A pool reports what happens to its idle connections, such as the end of their database, as an event.
  pool.on("error", () => {});
  const adapter = postgresAdapter(drizzleNodePostgres({ client: pool }), options);
  return {
    adapter,
    async end() {
      await adapter.close();
      await pool.end();
    },
  };
}
