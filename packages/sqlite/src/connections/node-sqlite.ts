import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Awaitable, Connection, Row, Session, SqlValue } from "../connection.ts";
import { type BusyPolicy, untilFree } from "./busy.ts";

/** As many as an application has query shapes on its hot paths; the rest is prepared again. */
const maxStatements = 256;

/** How long statements may follow each other without a turn of the event loop. */
const maxTurnMs = 10;

/** Kept from before a test replaces the global one, after which it would be waited for without end. */
const { setImmediate } = globalThis;

export interface NodeSqliteOptions {
  /** Called at the first use, and again when that failed. */
  readonly open: () => Awaitable<DatabaseSync>;
  readonly closes: boolean;
  readonly busy: BusyPolicy;
}

/** Each is all or nothing, and runs without a pause. */
interface TransactionEnds {
  begin(): void;
  commit(): void;
  rollback(): void;
}

/** One `DatabaseSync`. Its statements run synchronously; only waiting for a lock is not. */
export class NodeSqliteConnection implements Connection {
  readonly #options: NodeSqliteOptions;
  #database: DatabaseSync | null = null;
  #session: StatementSession | null = null;
  #turnStartedAt = 0;

  constructor(options: NodeSqliteOptions) {
    this.#options = options;
  }

  async write<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    const { database, session } = await this.#ready();
    const ends: TransactionEnds = {
      begin: () => this.#unblocking(database, session, "BEGIN IMMEDIATE"),
      commit: () => this.#unblocking(database, session, "COMMIT"),
      rollback: () => rollback(database, session),
    };
    return this.#transact(new TransactionSession(database, session), ends, body);
  }

  /**
   * Inside a transaction the pragma does nothing, and with foreign keys on, rebuilding a table, which drops the old one,
   * deletes what refers to it. So it goes with the transaction's first and last statement, and nothing comes in between:
   * the connection's owner may begin a transaction whenever we await.
   */
  async migrate<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    const { database, session } = await this.#ready();
    let wasEnforced = false;
    const restore = () => {
      if (wasEnforced) session.query("PRAGMA foreign_keys = ON", []);
    };
    const begin = () => {
      failInForeignTransaction(database);
      wasEnforced = session.query("PRAGMA foreign_keys", [])[0]?.[0] === 1;
      if (wasEnforced) session.query("PRAGMA foreign_keys = OFF", []);
      try {
        this.#unblocking(database, session, "BEGIN IMMEDIATE");
      } catch (error) {
        restore();
        throw error;
      }
    };
    const commit = () => {
      this.#unblocking(database, session, "COMMIT");
      restore();
    };
    const rollBack = () => {
      rollback(database, session);
      restore();
    };
    return this.#transact(
      new TransactionSession(database, session),
      { begin, commit, rollback: rollBack },
      body,
    );
  }

  async #transact<T>(
    transaction: TransactionSession,
    ends: TransactionEnds,
    body: (session: Session) => Awaitable<T>,
  ): Promise<T> {
    await untilFree(ends.begin, this.#options.busy);
    let value: T;
    try {
      const answer = body(transaction);
      value = answer instanceof Promise ? await answer : answer;
      transaction.failIfRolledBack();
      // Outside WAL a commit waits for readers. The transaction stays open meanwhile.
      await untilFree(ends.commit, this.#options.busy);
    } catch (error) {
      ends.rollback();
      throw error;
    }
    return value;
  }

  async read<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    const { database, session } = await this.#ready();
    return (await untilFree(() => {
      failInForeignTransaction(database);
      return body(session);
    }, this.#options.busy)) as T;
  }

  async close(): Promise<void> {
    if (this.#database !== null && this.#options.closes) this.#database.close();
    this.#database = null;
    this.#session = null;
  }

  async #ready(): Promise<{ database: DatabaseSync; session: StatementSession }> {
    await this.#takeTurn();
    this.#database ??= await this.#options.open();
    this.#session ??= new StatementSession(this.#database);
    return { database: this.#database, session: this.#session };
  }

  /**
   * Statements that never wait would keep timers and sockets waiting for as long as there is work: let
   * them have the loop now and then.
   */
  async #takeTurn(): Promise<void> {
    if (performance.now() - this.#turnStartedAt < maxTurnMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#turnStartedAt = performance.now();
  }

  /** Run BEGIN or COMMIT so that a lock fails it at once, whatever busy timeout its owner gave the connection. */
  #unblocking(database: DatabaseSync, session: StatementSession, sql: "BEGIN IMMEDIATE" | "COMMIT"): void {
    if (sql === "BEGIN IMMEDIATE") failInForeignTransaction(database);
    if (this.#options.closes) return void session.query(sql, []);
    const timeoutMs = Number(session.query("PRAGMA busy_timeout", [])[0]?.[0] ?? 0);
    if (timeoutMs === 0) return void session.query(sql, []);
    session.query("PRAGMA busy_timeout = 0", []);
    try {
      session.query(sql, []);
    } finally {
      session.query(`PRAGMA busy_timeout = ${timeoutMs}`, []);
    }
  }
}

/** Queries with a bounded cache of prepared statements, least recently used out first. */
class StatementSession implements Session {
  readonly local = true;
  readonly paysByRow = false;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  query(sql: string, params: readonly SqlValue[]): readonly Row[] {
    return this.#prepare(sql).all(...params) as unknown as Row[];
  }

  #prepare(sql: string): StatementSync {
    const cached = this.#statements.get(sql);
    const statement = cached ?? this.#database.prepare(sql);
    if (cached === undefined) {
      statement.setReturnArrays(true);
      for (const oldest of this.#statements.keys()) {
        if (this.#statements.size < maxStatements) break;
        this.#statements.delete(oldest);
      }
    } else {
      this.#statements.delete(sql);
    }
    this.#statements.set(sql, statement);
    return statement;
  }
}

class TransactionSession implements Session {
  readonly local = true;
  readonly paysByRow = false;
  readonly #database: DatabaseSync;
  readonly #session: StatementSession;
  #rolledBackBy: unknown = null;

  constructor(database: DatabaseSync, session: StatementSession) {
    this.#database = database;
    this.#session = session;
  }

  query(sql: string, params: readonly SqlValue[]): readonly Row[] {
    this.failIfRolledBack();
    try {
      return this.#session.query(sql, params);
    } catch (error) {
      if (!this.#database.isTransaction) this.#rolledBackBy = error;
      throw error;
    }
  }

  /**
   * After a full disk, a failed write or a conflict that is resolved by ROLLBACK, SQLite has rolled back by itself. A
   * further statement would commit on its own.
   */
  failIfRolledBack(): void {
    if (this.#rolledBackBy !== null) throw this.#rolledBackBy;
  }
}

/**
 * A transaction that the connection's owner has opened on it is waited for like one of another connection:
 * our statements must not become part of it.
 */
function failInForeignTransaction(database: DatabaseSync): void {
  if (!database.isTransaction) return;
  throw Object.assign(new Error("The connection's owner has a transaction open on it."), { errcode: 5 });
}

function rollback(database: DatabaseSync, session: StatementSession): void {
  if (!database.isTransaction) return;
  session.query("ROLLBACK", []);
}
