import type { Client, InValue, Row as LibsqlRow, Transaction as LibsqlTransaction } from "@libsql/client";
import type { Awaitable, Connection, Row, Session, SqlValue } from "../connection.ts";
import { type BusyPolicy, untilFree } from "./busy.ts";

/**
 * A libsql client that the caller owns. Each transaction takes a connection of the client's pool; the adapter
 * never holds two, since two in one process would wait for each other's lock on the one thread that both have.
 */
export class LibsqlConnection implements Connection {
  readonly #client: Client;
  readonly #busy: BusyPolicy;

  constructor(client: Client, busy: BusyPolicy) {
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

  migrate<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return this.write(body);
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

function session(target: Pick<Client | LibsqlTransaction, "execute">): Session {
  return {
    local: false,
    async query(sql, params) {
      const { rows } = await target.execute({ sql, args: params as InValue[] });
      return rows.map(toRow);
    },
  };
}

/** A row of libsql has indexes and a length, but is no array. */
function toRow(row: LibsqlRow): Row {
  return Array.from(row as unknown as ArrayLike<SqlValue>);
}
