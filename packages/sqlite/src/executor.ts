import type { Database, StatementObserver, Transaction } from "@sherd/core";
import type { Awaitable, Connection, Session } from "./connection.ts";
import { adapterClosed, databaseBusy, toSherdError } from "./errors.ts";
import type { Mutex } from "./mutex.ts";
import { type Nesting, nestedTransaction } from "./nesting.ts";
import { runObserved, runScript, type Script } from "./script.ts";
import { openTransaction, partsOf, SqliteTransaction } from "./transaction.ts";

export interface ExecutorOptions {
  readonly connection: Connection;
  readonly mutex: Mutex;
  readonly nesting: Nesting;
  readonly busyTimeoutMs: number;
  readonly observer: StatementObserver | undefined;
}

/** Runs scripts and users' transactions on the one connection, one after the other. */
export class Executor {
  readonly #options: ExecutorOptions;
  /** Marks the transactions of this adapter. */
  readonly #owner = {};
  #isClosed = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Run `script` in a write transaction of its own. */
  write<T>(verb: string, script: (session: Session) => Script<T>): Promise<T> {
    return this.#exclusively(verb, () =>
      this.#inTransaction(verb, "write", (session) => this.#run(verb, script(session), session)),
    );
  }

  /** Run `script` in a write transaction that may rebuild tables. */
  migrate<T>(verb: string, script: (session: Session) => Script<T>): Promise<T> {
    return this.#exclusively(verb, () =>
      this.#inTransaction(verb, "migrate", (session) => this.#run(verb, script(session), session)),
    );
  }

  /** Run `script`, which is one reading statement. */
  read<T>(verb: string, script: () => Script<T>): Promise<T> {
    return this.#exclusively(verb, () =>
      this.#options.connection.read((session) => this.#run(verb, script(), session)),
    );
  }

  /** Run `script` in the open transaction `tx`. */
  async inside<T>(tx: Transaction, verb: string, script: (session: Session) => Script<T>): Promise<T> {
    const { session } = partsOf(tx, this.#owner);
    try {
      return await this.#run(verb, script(session), session);
    } catch (error) {
      throw toSherdError(error, verb, this.#options.busyTimeoutMs);
    }
  }

  /** Run a user's code in a transaction. What that code throws comes through as it is. */
  async transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T> {
    let callbacks: readonly (() => void)[] = [];
    let thrown: { readonly error: unknown } | null = null;
    const body = async (raw: Session): Promise<T> => {
      const { tx, afterCommit, end } = openTransaction(raw, this.#owner, (session) =>
        this.#observed(session),
      );
      callbacks = afterCommit;
      try {
        return await this.#options.nesting.inside(() => run(tx));
      } catch (error) {
        thrown = { error };
        throw error;
      } finally {
        end();
      }
    };
    const value = await this.#exclusively(
      "transaction",
      () => this.#inTransaction("transaction", "write", body),
      (error) => error === thrown?.error,
    );
    for (const callback of callbacks) callback();
    return value;
  }

  join(session: Session, db: Database): Transaction {
    return new SqliteTransaction({ session, owner: this.#owner, afterCommit: null, makeDb: () => db });
  }

  /** Call `callback` when `tx` has committed; false when `tx` was joined, and only the caller knows. */
  afterCommit(tx: Transaction, callback: () => void): boolean {
    const { afterCommit } = partsOf(tx, this.#owner);
    afterCommit?.push(callback);
    return afterCommit !== null;
  }

  /** Look at the connection once nothing else uses it. This is no verb, and no observer hears of it. */
  inspect<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return this.#options.mutex.run(() => {
      if (this.#isClosed) throw adapterClosed("inspect");
      return this.#options.connection.read(body);
    });
  }

  /** Close the connection once what was asked of it before is done. What is asked for later fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#exclusively("close", () => {
      this.#isClosed = true;
      return this.#options.connection.close();
    });
  }

  async #exclusively<T>(
    verb: string,
    task: () => Promise<T>,
    isUsers: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    if (this.#options.nesting.isInside()) throw nestedTransaction(verb);
    try {
      return await this.#inTurn(verb, () => {
        if (this.#isClosed) throw adapterClosed(verb);
        return task();
      });
    } catch (error) {
      throw isUsers(error) ? error : toSherdError(error, verb, this.#options.busyTimeoutMs);
    }
  }

  #inTurn<T>(verb: string, task: () => Promise<T>): Promise<T> {
    const { mutex, nesting, busyTimeoutMs } = this.#options;
    if (nesting.isTold) return mutex.run(task);
    return mutex.runWithin(task, busyTimeoutMs, () => databaseBusy(verb, busyTimeoutMs, undefined));
  }

  async #inTransaction<T>(
    verb: string,
    mode: "write" | "migrate",
    body: (session: Session) => Awaitable<T>,
  ): Promise<T> {
    const { connection, observer } = this.#options;
    if (observer === undefined) return connection[mode](body);
    await observer({ verb, statement: "begin", phase: "before" });
    const value = await connection[mode](async (session) => {
      await observer({ verb, statement: "begin", phase: "after" });
      const result = await body(session);
      await observer({ verb, statement: "commit", phase: "before" });
      return result;
    });
    await observer({ verb, statement: "commit", phase: "after" });
    return value;
  }

  #run<T>(verb: string, script: Script<T>, session: Session): Awaitable<T> {
    const { observer } = this.#options;
    return observer === undefined ? runScript(script, session) : runObserved(script, session, verb, observer);
  }

  /** A session whose statements, which are a user's, are observed too. */
  #observed(session: Session): Session {
    const { observer } = this.#options;
    if (observer === undefined) return session;
    return {
      local: session.local,
      paysByRow: session.paysByRow,
      async query(sql, params) {
        await observer({ verb: "transaction", statement: "query", phase: "before" });
        const rows = await session.query(sql, params);
        await observer({ verb: "transaction", statement: "query", phase: "after" });
        return rows;
      },
    };
  }
}
