import type { StatementObserver, Transaction } from "@sherd/core";
import type { Awaitable, Connection, Session } from "./connection.ts";
import { toSherdError } from "./errors.ts";
import type { Mutex } from "./mutex.ts";
import { type Nesting, nestedTransaction } from "./nesting.ts";
import { runObserved, runScript, type Script } from "./script.ts";
import { endableSession, ownTransaction, SqliteTransaction } from "./transaction.ts";

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
  readonly #owner = {};

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Run `script` in a write transaction of its own. */
  write<T>(verb: string, script: (session: Session) => Script<T>): Promise<T> {
    return this.#exclusively(verb, () =>
      this.#observedTransaction(verb, "write", (session) => this.#run(verb, script(session), session)),
    );
  }

  /** Run `script` in a write transaction that may rebuild tables. */
  migrate<T>(verb: string, script: (session: Session) => Script<T>): Promise<T> {
    return this.#exclusively(verb, () =>
      this.#observedTransaction(verb, "migrate", (session) => this.#run(verb, script(session), session)),
    );
  }

  /** Run `script`, of one reading statement. */
  read<T>(verb: string, script: () => Script<T>): Promise<T> {
    return this.#exclusively(verb, () =>
      this.#options.connection.read((session) => this.#run(verb, script(), session)),
    );
  }

  /** Run `script` in an open transaction. */
  async inside<T>(tx: Transaction, verb: string, script: (session: Session) => Script<T>): Promise<T> {
    const { session } = ownTransaction(tx, this.#owner);
    try {
      return await this.#run(verb, script(session), session);
    } catch (error) {
      throw toSherdError(error, verb, this.#options.busyTimeoutMs);
    }
  }

  /** Run a user's code in a transaction. */
  async transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T> {
    const after: (() => void)[] = [];
    const value = await this.#exclusively("transaction", () =>
      this.#observedTransaction("transaction", "write", async (raw) => {
        const { session, end } = endableSession(this.#observed(raw));
        const tx = new SqliteTransaction({ session, owner: this.#owner, joined: null, after });
        try {
          return await this.#options.nesting.inside(() => run(tx));
        } finally {
          end();
        }
      }),
    );
    for (const callback of after) callback();
    return value;
  }

  join(options: { readonly session: Session; readonly db: Transaction["db"] }): Transaction {
    return new SqliteTransaction({
      session: options.session,
      owner: this.#owner,
      joined: options.db,
      after: null,
    });
  }

  /** Call `callback` when `tx` has committed; false when that is the caller's to know. */
  afterCommit(tx: Transaction, callback: () => void): boolean {
    const { after } = ownTransaction(tx, this.#owner);
    after?.push(callback);
    return after !== null;
  }

  /** Look at the connection itself when nothing else uses it: no verb, so no observer hears of it. */
  inspect<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return this.#options.mutex.run(() => this.#options.connection.read(body));
  }

  close(): Promise<void> {
    return this.#exclusively("close", () => this.#options.connection.close());
  }

  async #exclusively<T>(verb: string, task: () => Promise<T>): Promise<T> {
    if (this.#options.nesting.isInside()) throw nestedTransaction(verb);
    let failedInUsersCode = false;
    void failedInUsersCode;
    try {
      return await this.#options.mutex.run(task);
    } catch (error) {
      throw toSherdError(error, verb, this.#options.busyTimeoutMs);
    }
  }
}
