/** What a connection that is cut inside of an open transaction would do to the process, and how it does not. */
import type { Sql } from "postgres";
import { isConnectionCut } from "../failure.ts";

/** How long the close of a cut connection may take to come in, before the transaction is rolled back as usual. */
const closeWithinMs = 1000;

interface Fate {
  /** Why nothing more may be sent: the connection was cut, or the transaction has ended. */
  end?: unknown;
  hasEnded: boolean;
}

/**
 * Run `transact` so that nothing is sent once its connection was cut: postgres.js would write to a socket that is
 * gone, which ends the process, or to the connection that took its place, where it would commit at once. Not even
 * the rollback is sent, so the function that postgres.js waits for then never settles; `transact` has rejected.
 */
export async function transactOnPostgresJs<Inner, T>(
  transact: (run: (inner: Inner) => Promise<T>) => Promise<T>,
  clientOf: (inner: Inner) => Sql | null,
  run: (inner: Inner) => Promise<T>,
): Promise<T> {
  const fate: Fate = { hasEnded: false };
  try {
    return await transact((inner) => {
      const client = clientOf(inner);
      if (client !== null) guard(client, fate);
      return unlessCut(fate, () => run(inner));
    });
  } catch (error) {
    fate.end ??= error;
    throw error;
  } finally {
    fate.end ??= new Error("The transaction has ended; nothing can be sent on it any more");
    fate.hasEnded = true;
  }
}

/** `client` is bound to one transaction or savepoint, so that nobody else meets what is put around its methods. */
function guard(client: object, fate: Fate): void {
  const bound = client as {
    unsafe: (...given: unknown[]) => Promise<unknown>;
    savepoint: (...given: unknown[]) => Promise<unknown>;
  };
  const { unsafe, savepoint } = bound;
  bound.unsafe = (...given) => {
    if (fate.end !== undefined) throw fate.end;
    const query = unsafe(...given);
    query.catch((error: unknown) => {
      if (isConnectionCut(error)) fate.end ??= error;
    });
    return query;
  };
  bound.savepoint = (...given) => {
    if (fate.end !== undefined) throw fate.end;
    return savepoint(
      ...given.map((argument) => (typeof argument === "function" ? guarded(argument, fate) : argument)),
    );
  };
}

function guarded(body: Function, fate: Fate): (client: object) => Promise<unknown> {
  return (client) => {
    guard(client, fate);
    return unlessCut(fate, () => body(client) as Promise<unknown>);
  };
}

async function unlessCut<T>(fate: Fate, body: () => Promise<T>): Promise<T> {
  try {
    const value = await body();
    if (fate.end === undefined) return value;
  } catch (error) {
    if (fate.end === undefined && !isConnectionCut(error)) throw error;
    fate.end ??= error;
  }
  return new Promise((_, reject) => {
    if (fate.hasEnded) return;
    setTimeout(() => {
      if (!fate.hasEnded) reject(fate.end);
    }, closeWithinMs);
  });
}

/** node-postgres and its like emit an error on a cut connection, and one that nobody listens for ends the process. */
export async function transactOnEmitter<T>(client: object, run: () => Promise<T>): Promise<T> {
  if (!isEmitter(client)) return run();
  listen(client, 1);
  try {
    return await run();
  } finally {
    // Drizzle rolls back, and hands the connection to its pool, which listens again, after this.
    const later: unknown = setTimeout(() => listen(client, -1), closeWithinMs);
    (later as { unref?: () => void }).unref?.();
  }
}

/** How many transactions, open or just ended, want each client's errors ignored: one listener serves them all. */
const wanted = new WeakMap<Emitter, number>();
const ignore = () => {};

function listen(client: Emitter, change: 1 | -1): void {
  const before = wanted.get(client) ?? 0;
  const after = before + change;
  wanted.set(client, after);
  if (before === 0) client.on("error", ignore);
  if (after === 0) client.removeListener("error", ignore);
}

interface Emitter {
  on(event: "error", listener: () => void): void;
  removeListener(event: "error", listener: () => void): void;
}

function isEmitter(client: object): client is Emitter {
  return (
    typeof (client as Partial<Emitter>).on === "function" &&
    typeof (client as Partial<Emitter>).removeListener === "function"
  );
}
