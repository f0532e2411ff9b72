import type { Database, NewItem, Transaction } from "@sherd/core";
import type { Sql } from "postgres";
import type { Session } from "./sessions/session.ts";

interface Parts {
  readonly session: Session;
  readonly makeDb: () => Database;
  /** Inserts items without keys before the next statement or with the commit; null where the answer has to be waited for. */
  readonly defer: ((items: readonly NewItem[]) => void) | null;
  /** What postgres.js has bound to the transaction. */
  readonly client: Sql | null;
}

/** A transaction as verbs and users see it. */
export class PostgresTransaction implements Transaction {
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
