import type { Database, DatabaseAdapter } from "@sherd/core";
import type { SqliteClock } from "./clock.ts";
import type { Session } from "./connection.ts";
import { isDrizzleTransaction, sessionOf } from "./drizzle.ts";
import { invalidOption } from "./errors.ts";
import { Executor, type ExecutorOptions } from "./executor.ts";
import { sqliteMigrator } from "./migrator.ts";
import { type ChangeSource, SqliteNotifier } from "./notifier.ts";
import { sqlitePullStorage } from "./pull-storage.ts";
import { tables } from "./schema.ts";
import { sqliteStorage } from "./storage.ts";

export interface AdapterParts extends ExecutorOptions {
  readonly clock: SqliteClock;
  readonly changes: (executor: Executor) => ChangeSource;
  /** What a caller's transaction is joined with. Default: a drizzle transaction of SQLite over any driver. */
  readonly joined?: (transaction: object) => Joined;
}

export interface Joined {
  readonly session: Session;
  readonly db: Database;
}

/** An adapter over any connection that speaks SQLite. */
export function createAdapter(parts: AdapterParts): DatabaseAdapter {
  const executor = new Executor(parts);
  const notifier = new SqliteNotifier(executor, parts.nesting, parts.changes(executor));
  return {
    dialect: "sqlite",
    storage: sqliteStorage(executor, parts.clock),
    pull: sqlitePullStorage(executor, parts.clock),
    notifier,
    migrator: sqliteMigrator(executor, parts.clock),
    tables,
    transaction: (run) => executor.transaction(run),
    join(transaction) {
      const { session, db } = (parts.joined ?? joinDrizzle)(transaction);
      return executor.join(session, db);
    },
    async close() {
      notifier.close();
      await executor.close();
    },
  };
}

function joinDrizzle(transaction: object): Joined {
  if (isDrizzleTransaction(transaction))
    return { session: sessionOf(transaction), db: transaction as unknown as Database };
  throw invalidOption(
    "drizzleTransaction",
    transaction,
    "Cannot join the transaction: it is no drizzle transaction of SQLite. Pass what `db.transaction(async (tx) => …)` hands over.",
  );
}
