import type { DatabaseAdapter, StatementObserver } from "@sherd/core";
import { createAdapter, type Joined } from "./adapter.ts";
import { type AsyncHooks, nestingOf } from "./async-nesting.ts";
import { type SqliteClock, systemClock } from "./clock.ts";
import { DurableObjectConnection, type DurableObjectStorage } from "./connections/durable-object.ts";
import { drizzleOn } from "./drizzle.ts";
import { invalidOption } from "./errors.ts";
import { mutexOf } from "./mutex.ts";
import { type Nesting, untoldNesting } from "./nesting.ts";

export interface DurableObjectAdapterOptions {
  /**
   * How long to wait for another transaction on the object, in milliseconds; 5,000 by default. Fails with `DATABASE_BUSY`
   * after it. Counts only in a Worker without `nodejs_compat`; with it, waiting from inside a transaction is told at once.
   */
  readonly busyTimeoutMs?: number;
  /** The clock by which items become due and leases expire. By default the object's own. */
  readonly clock?: SqliteClock;
  /** Hears of every statement of the adapter's, for tests. */
  readonly onStatement?: StatementObserver;
}

const optionNames: readonly string[] = [
  "busyTimeoutMs",
  "clock",
  "onStatement",
] satisfies (keyof DurableObjectAdapterOptions)[];

/**
 * Keep fragments in a Durable Object's own SQLite: pass `ctx.storage` of a class under `new_sqlite_classes`. Transactions roll
 * back across awaits; while one is open, the platform delivers no other event to the object. To join a transaction of
 * your own, opened by `ctx.storage.transaction`, give `fragment.within` the storage, or a drizzle database on it. Fails
 * with `INVALID_OPTION`.
 */
export function durableObjectAdapter(
  storage: DurableObjectStorage,
  options: DurableObjectAdapterOptions = {},
): DatabaseAdapter {
  checkStorage(storage);
  checkOptions(options);
  const connection = new DurableObjectConnection(storage);
  return createAdapter({
    connection,
    mutex: mutexOf(storage),
    nesting: nestingOfHost(storage),
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    observer: options.onStatement,
    clock: options.clock ?? systemClock,
    // One object runs in one place: nobody else writes to its database.
    changes: () => ({ start: async () => {}, stop: () => {} }),
    joined: (transaction) => joinStorage(transaction, storage, connection),
  });
}

/** Whatever runs on the storage while a transaction is open is a part of it, so there is only to check what was passed. */
function joinStorage(
  transaction: object,
  storage: DurableObjectStorage,
  { session }: DurableObjectConnection,
): Joined {
  const isDrizzle = "run" in transaction && "values" in transaction;
  // A transaction of drizzle's own is synchronous: it has ended before anything that is awaited.
  const isSynchronous = "rollback" in transaction;
  const isElsewhere = "$client" in transaction && transaction.$client !== storage;
  if (transaction === storage || (isDrizzle && !isSynchronous && !isElsewhere))
    return { session, db: drizzleOn(session) };
  throw invalidOption(
    "drizzleTransaction",
    transaction,
    "Cannot join the transaction: inside `ctx.storage.transaction(async () => …)`, pass the `ctx.storage` that the adapter " +
      "was made with, or a drizzle database on it.",
  );
}

function nestingOfHost(storage: object): Nesting {
  const { process } = globalThis as { readonly process?: Partial<Pick<NodeJS.Process, "getBuiltinModule">> };
  const hooks = process?.getBuiltinModule?.("node:async_hooks") as AsyncHooks | undefined;
  return hooks === undefined ? untoldNesting : nestingOf(storage, hooks);
}

function checkStorage(storage: DurableObjectStorage): void {
  if (typeof storage?.transaction !== "function") {
    throw invalidOption(
      "storage",
      storage,
      "Cannot make the Durable Object adapter: pass the object's `ctx.storage`.",
    );
  }
  if (hasSql(storage)) return;
  throw invalidOption(
    "storage",
    storage,
    "Cannot make the Durable Object adapter: the storage has no SQLite. List the object's class under `new_sqlite_classes` " +
      "in the Worker's migrations.",
  );
}

/** The storage of a class without SQLite has the function, which throws. */
function hasSql(storage: DurableObjectStorage): boolean {
  try {
    storage.sql.exec("SELECT 1");
    return true;
  } catch {
    return false;
  }
}

function checkOptions(options: DurableObjectAdapterOptions): void {
  const { busyTimeoutMs, clock, onStatement } = options;
  const refuse = (option: string, received: unknown, must: string) =>
    invalidOption(option, received, `Cannot make the Durable Object adapter: \`${option}\` ${must}.`);
  for (const [name, value] of Object.entries(options)) {
    if (!optionNames.includes(name)) throw refuse(name, value, `is not among ${optionNames.join(", ")}`);
  }
  if (busyTimeoutMs !== undefined && !(Number.isFinite(busyTimeoutMs) && busyTimeoutMs >= 0))
    throw refuse("busyTimeoutMs", busyTimeoutMs, "is a number of milliseconds, 0 or more");
  if (clock !== undefined && typeof clock.now !== "function")
    throw refuse("clock", clock, "has a function `now`");
  if (onStatement !== undefined && typeof onStatement !== "function")
    throw refuse("onStatement", onStatement, "is a function");
}
