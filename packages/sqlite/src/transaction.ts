import { type Database, SherdError, type Transaction } from "@sherd/core";
import type { Session, SqlValue } from "./connection.ts";
import { drizzleOn } from "./drizzle.ts";

interface Parts {
  readonly session: Session;
  /** The adapter's mark: whose transaction it is. */
  readonly owner: object;
  /** Called after the commit; null when the transaction was joined, and its end is the caller's. */
  readonly afterCommit: (() => void)[] | null;
  readonly makeDb: () => Database;
}

/** A transaction of one adapter, opened by it or joined. */
export class SqliteTransaction implements Transaction {
  readonly parts: Parts;
  #db: Database | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Made when it is first asked for: a transaction that only triggers needs none. */
  get db(): Database {
    this.#db ??= this.parts.makeDb();
    return this.#db;
  }
}

/** A transaction that the adapter opened. Call `end` before it commits or rolls back. */
export function openTransaction(
  raw: Session,
  owner: object,
  observed: (session: Session) => Session,
): {
  readonly tx: SqliteTransaction;
  readonly afterCommit: readonly (() => void)[];
  readonly end: () => void;
} {
  let hasEnded = false;
  const session: Session = {
    local: raw.local,
    paysByRow: raw.paysByRow,
    query(sql: string, params: readonly SqlValue[]) {
      if (hasEnded) throw transactionEnded();
      return raw.query(sql, params);
    },
  };
  const afterCommit: (() => void)[] = [];
  const tx = new SqliteTransaction({
    session,
    owner,
    afterCommit,
    makeDb: () => drizzleOn(observed(session)),
  });
  return { tx, afterCommit, end: () => (hasEnded = true) };
}

/** The transaction as this adapter made it. */
export function partsOf(tx: Transaction, owner: object): Parts {
  if (tx instanceof SqliteTransaction && tx.parts.owner === owner) return tx.parts;
  throw new TypeError(
    "The transaction was not made by this adapter. Fragments that share a transaction need one adapter object, " +
      "and a drizzle transaction of your own is joined first: `fragment.within(tx, …)`.",
  );
}

function transactionEnded(): SherdError<"TRANSACTION_ENDED"> {
  return new SherdError(
    "TRANSACTION_ENDED",
    "Cannot run a statement: its transaction has ended. Await every query inside the function that the transaction " +
      "was opened for, and do not keep its `db` beyond it.",
    { namespace: "", hook: "" },
  );
}
