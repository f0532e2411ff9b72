import { SherdError, type Transaction } from "@sherd/core";
import { PostgresTransaction } from "../connection.ts";
import type { Session } from "../sessions/session.ts";

export function sessionOf(tx: Transaction): Session {
  if (tx instanceof PostgresTransaction) return tx.session;
  throw new SherdError(
    "INVALID_OPTION",
    "Cannot use the given transaction on PostgreSQL: another adapter made it. Open it with this adapter's " +
      "`transaction`, or join a drizzle transaction with its `join`.",
    { option: "tx", received: tx },
  );
}
