import { isSherdError, SherdError } from "@sherd/core";

/** Primary result codes of SQLite after which the same call may succeed: the disk, not the statement, failed. */
const unavailable: ReadonlyMap<number, string> = new Map([
  [7, "it is out of memory"],
  [8, "it is read-only"],
  [10, "reading or writing its file failed"],
  [13, "the disk is full"],
  [14, "its file cannot be opened"],
  [15, "its file is locked in a way that this process cannot read"],
]);

const codeNames: Readonly<Record<string, number>> = {
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_NOMEM: 7,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_PROTOCOL: 15,
};

/** True when another connection holds a lock: asking again later helps. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === 5 || code === 6;
}

/** Say what a driver's error means for `verb`; an error that is the statement's own fault stays as it is. */
export function toSherdError(error: unknown, verb: string, busyTimeoutMs: number): unknown {
  if (isSherdError(error)) return error;
  const table = missingTable(error);
  if (table !== null) return notMigrated(null, [table], `the database has no "${table}"`, error);
  if (isBusy(error)) return databaseBusy(verb, busyTimeoutMs, error);
  const reason = unavailable.get(primaryCode(error) ?? 0) ?? remoteFailure(error);
  if (reason === undefined) return error;
  return new SherdError(
    "DATABASE_UNAVAILABLE",
    `Cannot run ${verb} on the SQLite database: ${reason}.`,
    { verb },
    { cause: error },
  );
}

export function adapterClosed(verb: string): SherdError<"DATABASE_UNAVAILABLE"> {
  return new SherdError(
    "DATABASE_UNAVAILABLE",
    `Cannot run ${verb} on the SQLite database: the adapter was closed. Stop what uses it first, or make a new one.`,
    { verb },
  );
}

export function databaseBusy(verb: string, waitedMs: number, cause: unknown): SherdError<"DATABASE_BUSY"> {
  return new SherdError(
    "DATABASE_BUSY",
    `Cannot run ${verb} on the SQLite database: another connection held the write lock for ${waitedMs} ms. Make the call ` +
      `again, keep transactions short, or raise \`busyTimeoutMs\`. Inside a drizzle transaction of your own, which may be ` +
      `what holds the lock, use \`fragment.within(tx)\`.`,
    { waitedMs },
    { cause },
  );
}

export function notMigrated(
  scope: string | null,
  missing: readonly string[],
  reason: string,
  cause?: unknown,
): SherdError<"NOT_MIGRATED"> {
  return new SherdError(
    "NOT_MIGRATED",
    `Cannot use the tables of ${scope === null ? "Sherd" : `"${scope}"`}: ${reason}. ` +
      "Run `await migrate(fragment)` once, before any other call, or `await migrate(databaseAdapter)` where there is no fragment.",
    { scope, missing },
    { cause },
  );
}

export function invalidOption(
  option: string,
  received: unknown,
  message: string,
): SherdError<"INVALID_OPTION"> {
  return new SherdError("INVALID_OPTION", message, { option, received });
}

/** The kernel table or index that a statement did not find. */
function missingTable(error: unknown): string | null {
  for (const { message } of causes(error)) {
    const found = /no such (?:table|index): (?:main\.)?(sherd_\w+)/.exec(message ?? "")?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** A libsql client over the network fails with codes of its own. */
function remoteFailure(error: unknown): string | undefined {
  for (const { name, code, message } of causes(error)) {
    if (name === "LibsqlError" && typeof code === "string" && !code.startsWith("SQLITE_"))
      return `${code}: ${message}`;
  }
  return undefined;
}

/** The primary result code: an extended one has more in its higher bytes. */
function primaryCode(error: unknown): number | null {
  for (const { errcode, rawCode, code, message } of causes(error)) {
    if (typeof errcode === "number") return errcode & 0xff;
    if (typeof rawCode === "number") return rawCode & 0xff;
    const name = /SQLITE_[A-Z]+/.exec(
      typeof code === "string" && code.startsWith("SQLITE_") ? code : (message ?? ""),
    )?.[0];
    if (name !== undefined && name in codeNames) return codeNames[name] ?? null;
  }
  return null;
}

interface DriverError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly errcode?: unknown;
  readonly rawCode?: unknown;
}

/** The error and what it was caused by: drizzle wraps its driver's. */
function* causes(error: unknown): Generator<DriverError> {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 5; depth++) {
    yield at;
    at = "cause" in at ? at.cause : null;
  }
}
