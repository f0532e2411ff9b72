import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseAdapter, StatementObserver } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import postgres from "postgres";
import { afterAll, beforeAll, inject, onTestFinished, TestRunner } from "vitest";

export interface OpenOptions {
  readonly onStatement?: StatementObserver;
}

/** One migrated database of one kind, for the tests of one `describe`. */
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

interface Opened {
  readonly location: string | null;
  readonly now: () => number;
  open(options: OpenOptions): DatabaseAdapter;
  pass(ms: number): Promise<void>;
  remove(): Promise<void>;
}

const kinds = {
  "node:sqlite in memory": openMemory,
  "node:sqlite on a file": openFile,
  "postgres.js": openServer,
} as const satisfies Record<string, () => Promise<Opened>>;

export type DatabaseKind = keyof typeof kinds;

export const bothDatabases = [
  "node:sqlite in memory",
  "postgres.js",
] as const satisfies readonly DatabaseKind[];
/** Those that several processes share. */
export const sharedDatabases = [
  "node:sqlite on a file",
  "postgres.js",
] as const satisfies readonly DatabaseKind[];

/** Have a migrated database of this kind for the tests of the surrounding `describe`. */
export function useDatabase(kind: DatabaseKind): TestDatabase {
  let opened: Opened | null = null;
  const adapters: DatabaseAdapter[] = [];
  const ready = () => {
    if (opened === null) throw new Error("The database is opened before the first test.");
    return opened;
  };
  const location = () => ready().location;
  const database: TestDatabase = {
    get location() {
      return location();
    },
    adapter(options = {}) {
      const [first] = adapters;
      if (location() === null && first !== undefined) return first;
      const next = ready().open(options);
      // What a test starts on it afterwards is stopped before.
      if (location() !== null && isInTest()) onTestFinished(() => next.close());
      else adapters.push(next);
      return next;
    },
    pass: (ms) => ready().pass(ms),
    now: () => ready().now(),
  };
  beforeAll(async () => {
    opened = await kinds[kind]();
    const { migrator } = database.adapter();
    await migrator.apply([migrator.kernel]);
  }, 30_000);
  afterAll(async () => {
    for (const adapter of adapters.splice(0)) await adapter.close();
    await opened?.remove();
  }, 30_000);
  return database;
}

function isInTest(): boolean {
  return TestRunner.getCurrentTest() !== undefined;
}

/** A clock that goes on by itself, and can be put forward. */
function clock() {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    pass: async (ms: number) => void (aheadMs += ms),
  };
}

async function openMemory(): Promise<Opened> {
  const { now, pass } = clock();
  return {
    location: null,
    now,
    pass,
    open: (options) => sqliteAdapter(":memory:", { ...options, clock: { now } }),
    remove: async () => {},
  };
}

async function openFile(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "sherd-subjects-"));
  const location = join(folder, "app.db");
  const { now, pass } = clock();
  return {
    location,
    now,
    pass,
    open: (options) => sqliteAdapter(location, { ...options, clock: { now } }),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** The server's clock cannot be put forward, so all that has a time is put back. */
async function openServer(): Promise<Opened> {
  const name = `subjects_${crypto.randomUUID().replaceAll("-", "")}`;
  const server = postgres(inject("postgresUrl"), { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${name}`);
  const location = new URL(inject("postgresUrl"));
  location.pathname = name;
  const sql = postgres(location.href, { max: 1, onnotice: () => {} });
  return {
    location: location.href,
    now: () => Date.now(),
    async pass(ms) {
      const by = `interval '${ms} milliseconds'`;
      await sql.unsafe(`update sherd_item set at = at - ${by}, started_at = started_at - ${by}`);
      await sql.unsafe(`update sherd_lease set expires_at = expires_at - ${by}`);
    },
    open: (options) => postgresAdapter(location.href, options),
    async remove() {
      await sql.end();
      await server.unsafe(`drop database ${name} with (force)`);
      await server.end();
    },
  };
}
