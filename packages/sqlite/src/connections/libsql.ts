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
    const transaction = await untilFree(() => this.#client.transaction("write"), this.#busy);
    try {
      const value = await body(session(transaction));
      await transaction.commit();
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
