import { SherdError, type Transaction } from "@sherd/core";
import { PostgresTransaction } from "../postgres-transaction.ts";
import type { Session } from "../sessions/session.ts";

export function sessionOf(tx: Transaction): Session {
  return partsOf(tx).session;
}

/** The transaction as this adapter made it. */
export function partsOf(tx: Transaction): PostgresTransaction["parts"] {
  if (tx instanceof PostgresTransaction) return tx.parts;
  throw new SherdError(
    "INVALID_OPTION",
    "Cannot use the given transaction on PostgreSQL: another adapter made it. Open it with this adapter's " +
      "`transaction`, or join a drizzle transaction with its `join`.",
    { option: "tx", received: tx },
  );
}
