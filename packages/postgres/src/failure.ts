/** What the errors of drivers mean. */
import { isSherdError, SherdError } from "@sherd/core";

interface DriverError {
  readonly code?: string;
  /** Not in the server's language; of postgres.js. */
  readonly severity?: string;
  readonly message: string;
  readonly detail?: string;
}

/** Serialization failure, deadlock, lock not available: the same call succeeds when the others are through. */
const transient: ReadonlySet<string> = new Set(["40001", "40P01", "55P03"]);

/** Undefined table, undefined function, undefined column, all of the kernel's own. */
const undefinedObjects: ReadonlySet<string> = new Set(["42P01", "42883", "42703"]);

/** Of the server (its SQLSTATE classes 08, 53 and 57, and read-only after a failover), of sockets and of drivers. */
const unavailable =
  /^(08...|53...|57...|25006|ECONN[A-Z]+|E(PIPE|TIMEDOUT|NOTFOUND|NOENT|AI_AGAIN|HOSTUNREACH|NETUNREACH)|CONNECTION_[A-Z]+|CONNECT_TIMEOUT)$/;
const unavailableMessage =
  /connection (terminated|error|lost)|timeout exceeded when trying to connect|client was closed|proxy request failed|socket has been closed/i;

/** The server's goodbyes, and what sockets and postgres.js say of a connection that is gone. */
const cut = /^(57P0[123]|ECONN[A-Z]+|EPIPE|ETIMEDOUT|CONNECTION_(CLOSED|DESTROYED|ENDED))$/;

/** What workerd says of its sockets, without a code. */
const cutMessage = /network connection lost|socket has been closed/i;

/** True when the connection that the statement was sent on is gone. */
export function isConnectionCut(error: unknown): boolean {
  const cause = rootCause(error);
  return hasCode(cause) ? cut.test(cause.code) : cause instanceof Error && cutMessage.test(cause.message);
}

/** True when a statement was refused for one that had failed before it in the same transaction. */
export function isAfterFailure(error: unknown): boolean {
  const cause = rootCause(error);
  return hasCode(cause) && cause.code === "25P02";
}

/** True when what was asked for does not fit into one answer. */
export function isTooLarge(error: unknown): boolean {
  const cause = rootCause(error);
  return hasCode(cause) && cause.code === "54000";
}

/** The driver's own error: drizzle wraps it, and puts the payload into the message of its wrapper. */
export function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && !isSherdError(cause) && !hasCode(cause) && cause.cause instanceof Error) {
    cause = cause.cause;
  }
  return cause;
}

/**
 * True when the server has said no to a statement, so that nothing of it has committed. What says that the database is
 * unavailable, and what ends a connection, may come in place of the answer to a commit.
 */
export function isRefused(error: unknown): boolean {
  const cause = rootCause(isSherdError(error) ? error.cause : error);
  if (!hasCode(cause) || (cause as DriverError).severity !== "ERROR") return false;
  return isTransient(cause) || !unavailable.test(cause.code);
}

export function isTransient(error: unknown): boolean {
  return hasCode(error) && transient.has(error.code);
}

export function isLockTimeout(error: unknown): boolean {
  const cause = rootCause(error);
  return hasCode(cause) && cause.code === "55P03";
}

/** Sherd's error for one of a driver's that a user can act on; any other stays as it is. */
export function asSherdError(error: unknown, verb: string): unknown {
  const cause = rootCause(error);
  if (!(cause instanceof Error) || isSherdError(cause)) return cause;
  const { code = "", message, detail } = cause as DriverError;
  if (code === "SH001") return keyConflict(detail, cause);
  if (code === "SH002") return wrongIsolation(message, cause);
  const missing = undefinedObjects.has(code) ? /sherd_\w+/.exec(message)?.[0] : undefined;
  if (missing !== undefined) return notMigrated(verb, missing, cause);
  if (!isTransient(cause) && !unavailable.test(code) && !unavailableMessage.test(message)) return cause;
  return new SherdError(
    "DATABASE_UNAVAILABLE",
    `Cannot run ${verb}: PostgreSQL answered "${message}"${code === "" ? "" : ` (${code})`}. ` +
      `The call may succeed when it is made again; if it does not, look at the database and the way to it.`,
    { verb },
    { cause },
  );
}

function keyConflict(detail: string | undefined, cause: Error): SherdError {
  const { queue, key, existingId } = JSON.parse(detail ?? "{}") as {
    readonly queue: string;
    readonly key: string;
    readonly existingId: string | null;
  };
  return new SherdError(
    "KEY_CONFLICT",
    `Cannot use the key "${key}" in the queue "${queue}": the item ${existingId} has it and is not finished. ` +
      `Wait for it, cancel it, or trigger with \`onConflict: "ignore"\` or "replace".`,
    { queue, key, existingId },
    { cause },
  );
}

function wrongIsolation(message: string, cause: Error): SherdError {
  return new SherdError(
    "INVALID_OPTION",
    `Cannot claim: ${message}. Set \`default_transaction_isolation\` to "read committed" for Sherd's role or database.`,
    { option: "default_transaction_isolation", received: message },
    { cause },
  );
}

function notMigrated(verb: string, missing: string, cause: Error): SherdError {
  return new SherdError(
    "NOT_MIGRATED",
    `Cannot run ${verb}: the database has no ${missing}, or not in the schemas of the connection's search_path. ` +
      "Run `await migrate(fragment)` once, before any other call, or `await migrate(databaseAdapter)` where there is no fragment.",
    { scope: null, missing: [missing] },
    { cause },
  );
}

function hasCode(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && typeof (error as DriverError).code === "string";
}
