import { type Database, SherdError, type Transaction } from "@sherd/core";
import type { Session, SqlValue } from "./connection.ts";
import { drizzleOn } from "./drizzle.ts";

/** A transaction of one adapter, opened by it or joined. */
export class SqliteTransaction implements Transaction {
  readonly session: Session;
  /** Whose it is. */
  readonly owner: object;
  /** Called after the commit; null when the adapter will not hear of it, as it is the caller's to end. */
  readonly afterCommit: (() => void)[] | null;
  #db: Database | null;

  constructor(options: {
    readonly session: Session;
    readonly owner: object;
    readonly joined: Database | null;
  }) {
    this.session = options.session;
    this.owner = options.owner;
    this.#db = options.joined;
    this.afterCommit = options.joined === null ? [] : null;
  }

  get db(): Database {
    this.#db ??= drizzleOn(this.session);
    return this.#db;
  }
}

/** A session that refuses statements once `end` was called: they would run in no transaction, or in the next one. */
export function endableSession(session: Session): { readonly session: Session; readonly end: () => void } {
  let hasEnded = false;
  return {
    session: {
      local: session.local,
      query(sql: string, params: readonly SqlValue[]) {
        if (hasEnded) throw transactionEnded();
        return session.query(sql, params);
      },
    },
    end() {
      hasEnded = true;
    },
  };
}

/** The transaction as this adapter made it. */
export function ownTransaction(tx: Transaction, owner: object): SqliteTransaction {
  if (tx instanceof SqliteTransaction && tx.owner === owner) return tx;
  throw new TypeError(
    "The transaction was not made by this adapter. Fragments that share a transaction need one adapter object, " +
      "and a drizzle transaction of your own has to be joined first: `fragment.within(tx, …)`.",
  );
}

function transactionEnded(): SherdError<"TRANSACTION_ENDED"> {
  return new SherdError(
    "TRANSACTION_ENDED",
    "Cannot run a statement: its transaction has ended. Await every query inside the function that the transaction " +
      "was opened for, and do not keep its `db` beyond it.",
    { namespace: "" },
  );
}
