import * as asyncHooks from "node:async_hooks";
import type { DatabaseSync } from "node:sqlite";
import type { DatabaseAdapter, StatementObserver } from "@sherd/core";
import { createAdapter } from "./adapter.ts";
import { nestingOf } from "./async-nesting.ts";
import { type SqliteClock, systemClock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { type BusyPolicy, untilFree } from "./connections/busy.ts";
import { type LibsqlClient, LibsqlConnection } from "./connections/libsql.ts";
import { NodeSqliteConnection } from "./connections/node-sqlite.ts";
import { invalidOption } from "./errors.ts";
import { mutexOf } from "./mutex.ts";
import { watchFile } from "./watch.ts";

/** A drizzle database of `drizzle-orm/libsql`. */
export interface LibsqlDatabase {
  readonly $client: LibsqlClient;
}

export interface SqliteAdapterOptions {
  /**
   * What a commit waits for. `normal`, the default, survives a crash of the process; a power cut may take the last commits
   * with it, but never corrupts. `full` waits for the disk at every commit. `off` trusts the operating system. For a
   * libsql client it cannot be set here; for an open `DatabaseSync` it is left alone unless given.
   */
  readonly synchronous?: "off" | "normal" | "full" | "extra";
  /** How long to ask again for a lock that another connection holds, in milliseconds; 5,000 by default. Fails with `DATABASE_BUSY` after it. */
  readonly busyTimeoutMs?: number;
  /** The clock by which items become due and leases expire. SQLite has none; by default it is this process's. */
  readonly clock?: SqliteClock;
  /** Hears of every statement of the adapter's, for tests. */
  readonly onStatement?: StatementObserver;
}

const synchronousModes: readonly unknown[] = ["off", "normal", "full", "extra"];

/**
 * Keep fragments in SQLite: a file by its path, `":memory:"`, an open `DatabaseSync` of `node:sqlite`, or a drizzle database
 * over libsql. A file is opened in WAL mode at the first call and closed by `close()`; what is passed in open keeps its
 * settings and stays open. Fails with `INVALID_OPTION`.
 */
export function sqliteAdapter(
  database: string | DatabaseSync | LibsqlDatabase,
  options: SqliteAdapterOptions = {},
): DatabaseAdapter {
  checkOptions(options);
  const busyTimeoutMs = options.busyTimeoutMs ?? 5_000;
  const { connection, identity } = connect(database, options, {
    timeoutMs: busyTimeoutMs,
    random: Math.random,
  });
  return createAdapter({
    connection,
    mutex: mutexOf(identity),
    nesting: nestingOf(identity, asyncHooks),
    busyTimeoutMs,
    observer: options.onStatement,
    clock: options.clock ?? systemClock,
    changes: watchFile,
  });
}

function connect(
  database: string | DatabaseSync | LibsqlDatabase,
  options: SqliteAdapterOptions,
  busy: BusyPolicy,
): { readonly connection: Connection; readonly identity: object } {
  if (typeof database === "string" && database !== "") {
    const open = () => openFile(database, options.synchronous ?? "normal", busy);
    const connection = new NodeSqliteConnection({ open, closes: true, busy });
    return { connection, identity: connection };
  }
  if (isLibsql(database)) {
    if (options.synchronous !== undefined) {
      throw invalidOption(
        "synchronous",
        options.synchronous,
        "Cannot set `synchronous` for a libsql client: it opens connections of its own. Leave the option out.",
      );
    }
    return { connection: new LibsqlConnection(database.$client, busy), identity: database.$client };
  }
  if (isNodeSqlite(database)) {
    const open = () => {
      if (options.synchronous !== undefined) database.exec(`PRAGMA synchronous = ${options.synchronous}`);
      return checkNodeVersion(database);
    };
    return { connection: new NodeSqliteConnection({ open, closes: false, busy }), identity: database };
  }
  throw invalidOption(
    "database",
    database,
    'Cannot make the SQLite adapter: `database` is neither a path, ":memory:", an open DatabaseSync of node:sqlite, nor a ' +
      "drizzle database of drizzle-orm/libsql.",
  );
}

/** Open a file for this adapter alone. Turning WAL on needs a lock that another process may have. */
async function openFile(path: string, synchronous: string, busy: BusyPolicy): Promise<DatabaseSync> {
  // Not imported: bundlers rewrite the name, and this module loads where there is no node:sqlite.
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  const database = new Database(path, { timeout: 0, enableForeignKeyConstraints: true });
  try {
    checkNodeVersion(database);
    await untilFree(() => database.exec("PRAGMA journal_mode = WAL"), busy);
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const optionNames: readonly string[] = [
  "synchronous",
  "busyTimeoutMs",
  "clock",
  "onStatement",
] satisfies (keyof SqliteAdapterOptions)[];

function checkOptions(options: SqliteAdapterOptions): void {
  const { synchronous, busyTimeoutMs, clock, onStatement } = options;
  for (const [name, value] of Object.entries(options)) {
    if (optionNames.includes(name)) continue;
    const known = optionNames.join(", ");
    throw invalidOption(name, value, `sqliteAdapter has no option "${name}". Its options are ${known}.`);
  }
  if (synchronous !== undefined && !synchronousModes.includes(synchronous)) {
    throw invalidOption(
      "synchronous",
      synchronous,
      'Cannot make the SQLite adapter: `synchronous` is "off", "normal", "full" or "extra".',
    );
  }
  if (busyTimeoutMs !== undefined && !(Number.isFinite(busyTimeoutMs) && busyTimeoutMs >= 0)) {
    throw invalidOption(
      "busyTimeoutMs",
      busyTimeoutMs,
      "Cannot make the SQLite adapter: `busyTimeoutMs` is a number of milliseconds, 0 or more.",
    );
  }
  if (clock !== undefined && typeof clock.now !== "function") {
    throw invalidOption("clock", clock, "Cannot make the SQLite adapter: `clock` has a function `now`.");
  }
  if (onStatement !== undefined && typeof onStatement !== "function") {
    throw invalidOption(
      "onStatement",
      onStatement,
      "Cannot make the SQLite adapter: `onStatement` is a function.",
    );
  }
}

function isLibsql(database: unknown): database is LibsqlDatabase {
  if (typeof database !== "object" || database === null || !("$client" in database)) return false;
  const client = database.$client as Partial<LibsqlClient> | null;
  return (
    typeof client?.transaction === "function" && typeof client.execute === "function" && "protocol" in client
  );
}

/** Other drivers' databases have these two as well, and one of the next two. */
function isNodeSqlite(database: unknown): database is DatabaseSync {
  if (typeof database !== "object" || database === null || "pragma" in database || "query" in database)
    return false;
  const { prepare, exec } = database as Partial<DatabaseSync>;
  return typeof prepare === "function" && typeof exec === "function";
}

/** Without `setReturnArrays` two columns of one name would become one. */
function checkNodeVersion(database: DatabaseSync): DatabaseSync {
  if ("isTransaction" in database) return database;
  throw invalidOption(
    "database",
    process.version,
    `Cannot use node:sqlite of Node ${process.version}: the adapter needs 22.16 or newer. Upgrade Node, or pass a drizzle ` +
      "database of drizzle-orm/libsql.",
  );
}
