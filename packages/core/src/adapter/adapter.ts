import type { Database } from "./database.ts";
import type { Migrator } from "./migrator.ts";
import type { Notifier } from "./notifier.ts";
import type { PullStorage } from "./pull-storage.ts";
import type { Storage } from "./storage.ts";

export type Dialect = "postgres" | "sqlite";

/**
 * One open database transaction. Only the adapter that made it can read more of it than `db`.
 */
export interface Transaction {
  /** Drizzle over this transaction's connection, typed as the subset that every dialect has. */
  readonly db: Database;
}

/**
 * One database behind the contract: transactions, the kernel's verbs, wake-ups and migrations.
 * It knows nothing about hooks, and opens no connection before its first call.
 */
export interface DatabaseAdapter {
  readonly dialect: Dialect;
  readonly storage: Storage;
  readonly pull: PullStorage;
  readonly notifier: Notifier;
  readonly migrator: Migrator;
  /** The kernel's drizzle tables, for users who migrate with a drizzle-kit schema of their own. */
  readonly tables: Readonly<Record<string, unknown>>;

  /**
   * Run `run` in one transaction: commit when it resolves, roll back when it rejects, across awaits.
   * It may begin as late as with its first statement. A commit whose answer was lost rejects although it may have taken
   * effect.
   */
  transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T>;

  /** Join a drizzle transaction that the caller opened and will end. */
  join(drizzleTransaction: object): Transaction;

  /** End the connections that the adapter opened itself. One that the caller passed in stays open. */
  close(): Promise<void>;
}
