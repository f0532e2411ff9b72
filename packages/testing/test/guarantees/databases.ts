import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { createClient } from "@libsql/client";
import type { DatabaseAdapter, StatementObserver } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { drizzle as drizzleLibsql } from "drizzle-orm/libsql";
import { drizzle as drizzleNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, inject, onTestFinished, TestRunner } from "vitest";

export interface OpenOptions {
  readonly onStatement?: StatementObserver;
}

/** One empty database of one kind, for the tests of one file. */
export interface TestDatabase {
  readonly name: string;
  /**
   * Open an adapter with connections of its own, as another process would. It is closed when the test has finished; outside
   * of one, after the last. In memory there is one, always the same.
   */
  adapter(options?: OpenOptions): DatabaseAdapter;
  /** What a child process needs to open it too; null in memory. */
  readonly location: string | null;
}

interface Opened {
  readonly location: string | null;
  open(options: OpenOptions): { readonly adapter: DatabaseAdapter; end(): Promise<void> };
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
/** The two that several processes share. */
export const sharedDatabases = [
  "node:sqlite on a file",
  "postgres.js",
] as const satisfies readonly DatabaseKind[];

/** Have a database of this kind for the tests of the surrounding `describe`. */
export function useDatabase(kind: DatabaseKind): TestDatabase {
  let opened: Opened | null = null;
  const adapters: { readonly adapter: DatabaseAdapter; end(): Promise<void> }[] = [];
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
  const location = () => ready().location;
  return {
    name: kind,
    get location() {
      return location();
    },
    adapter(options = {}) {
      const [first] = adapters;
      if (location() === null && first !== undefined) return first.adapter;
      const next = ready().open(options);
      // What a test starts on it afterwards is stopped before.
      if (location() !== null && isInTest()) onTestFinished(() => next.end());
      else adapters.push(next);
      return next.adapter;
    },
  };
}

function isInTest(): boolean {
  return TestRunner.getCurrentTest() !== undefined;
}

function owned(adapter: DatabaseAdapter) {
  return { adapter, end: () => adapter.close() };
}

async function openMemory(): Promise<Opened> {
  return {
    location: null,
    open: (options) => owned(sqliteAdapter(":memory:", options)),
    remove: async () => {},
  };
}

async function openFile(
  open: (path: string, options: OpenOptions) => ReturnType<Opened["open"]>,
): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "sherd-guarantees-"));
  const location = join(folder, "app.db");
  return {
    location,
    open: (options) => open(location, options),
    remove: () => rm(folder, { recursive: true }),
  };
}

function openLibsql(path: string, options: OpenOptions): ReturnType<Opened["open"]> {
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

async function openPglite(): Promise<Opened> {
  const client = await PGlite.create();
  return {
    location: null,
    open: (options) => owned(postgresAdapter(drizzlePglite({ client }), options)),
    remove: () => client.close(),
  };
}

async function openServer(
  open: (url: string, options: OpenOptions) => ReturnType<Opened["open"]>,
): Promise<Opened> {
  const name = `guarantees_${crypto.randomUUID().replaceAll("-", "")}`;
  const server = postgres(inject("postgresUrl"), { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${name}`);
  const location = new URL(inject("postgresUrl"));
  location.pathname = name;
  return {
    location: location.href,
    open: (options) => open(location.href, options),
    async remove() {
      await server.unsafe(`drop database ${name} with (force)`);
      await server.end();
    },
  };
}

function openNodePostgres(url: string, options: OpenOptions): ReturnType<Opened["open"]> {
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
