import type { Awaitable, Connection, Row, Session, SqlValue } from "../connection.ts";
import { type BusyPolicy, untilFree } from "./busy.ts";

interface LibsqlSession {
  execute(statement: {
    sql: string;
    args: SqlValue[];
  }): Promise<{ readonly rows: readonly ArrayLike<unknown>[] }>;
}

interface LibsqlTransaction extends LibsqlSession {
  executeMultiple(statements: string): Promise<void>;
  commit(): Promise<void>;
  close(): void;
}

/** What is needed of a client of `@libsql/client`, told without its types: it need not be installed. */
export interface LibsqlClient extends LibsqlSession {
  readonly protocol: string;
  transaction(mode: "write" | "deferred"): Promise<LibsqlTransaction>;
}

/**
 * A libsql client that the caller owns. Each transaction takes a connection of the client's pool; the adapter
 * never holds two, since two in one process would wait for each other's lock on the one thread that both have.
 */
export class LibsqlConnection implements Connection {
  readonly #client: LibsqlClient;
  readonly #busy: BusyPolicy;

  constructor(client: LibsqlClient, busy: BusyPolicy) {
    this.#client = client;
    this.#busy = busy;
  }

  async write<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    const transaction = await untilFree(() => this.#begin(), this.#busy);
    try {
      const value = await body(session(transaction));
      await this.#commit(transaction);
      return value;
    } finally {
      // Rolls back what was not committed, and does nothing after a commit.
      transaction.close();
    }
  }

  /**
   * Inside a transaction the pragma does nothing, and with foreign keys on, rebuilding a table, which drops the old one,
   * deletes what refers to it. A connection of a file goes back to the client's pool, so the pragma is put back.
   */
  async migrate<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    let wasEnforced = false;
    const begin = async () => {
      const transaction = await this.#begin();
      try {
        const { rows } = await transaction.execute({ sql: "PRAGMA foreign_keys", args: [] });
        wasEnforced = Number(rows[0]?.[0]) === 1;
        if (wasEnforced)
          await transaction.executeMultiple("ROLLBACK; PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE");
        return transaction;
      } catch (error) {
        transaction.close();
        await restore();
        throw error;
      }
    };
    const restore = async () => {
      // The connection that was given back last is the next that the client takes.
      if (wasEnforced && this.#client.protocol === "file")
        await this.#client.execute({ sql: "PRAGMA foreign_keys = ON", args: [] });
    };
    const transaction = await untilFree(begin, this.#busy);
    try {
      const value = await body(session(transaction));
      await this.#commit(transaction);
      return value;
    } finally {
      transaction.close();
      await restore();
    }
  }

  async read<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return (await untilFree(() => body(session(this.#client)), this.#busy)) as T;
  }

  async close(): Promise<void> {
    // The client is the caller's.
  }

  /**
   * For a file, libsql leaves a BEGIN IMMEDIATE that met a lock unfinished until it is garbage collected, and until then
   * every transaction on its connection fails, lock or no lock. Sent as a script it is finished, whatever it met.
   */
  async #begin(): Promise<LibsqlTransaction> {
    if (this.#client.protocol !== "file") return this.#client.transaction("write");
    const transaction = await this.#client.transaction("deferred");
    try {
      await transaction.executeMultiple("ROLLBACK; BEGIN IMMEDIATE");
      return transaction;
    } catch (error) {
      transaction.close();
      throw error;
    }
  }

  async #commit(transaction: LibsqlTransaction): Promise<void> {
    if (this.#client.protocol !== "file") return transaction.commit();
    // Outside WAL a commit waits for readers. As a script it leaves the transaction open meanwhile.
    await untilFree(() => transaction.executeMultiple("COMMIT"), this.#busy);
  }
}

function session(target: LibsqlSession): Session {
  return {
    local: false,
    paysByRow: false,
    async query(sql, params) {
      const { rows } = await target.execute({ sql, args: [...params] });
      return rows.map(toRow);
    },
  };
}

/** A row of libsql has indexes and a length, but is no array. */
function toRow(row: ArrayLike<unknown>): Row {
  return Array.from(row) as SqlValue[];
}
