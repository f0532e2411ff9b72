import type { DatabaseAdapter, NewItem } from "@sherd/core";
import type { Connection } from "./connection.ts";
import type { Executor } from "./executor.ts";
import { asSherdError, isAfterFailure } from "./failure.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Nesting } from "./nesting.ts";
import { PostgresTransaction } from "./postgres-transaction.ts";
import { lazyClient } from "./sessions/lazy-client.ts";
import type { Session } from "./sessions/session.ts";
import { startInsert } from "./statements/insert.ts";

const verb = "transaction";

interface Means {
  readonly executor: Executor;
  readonly connection: Connection;
  /** Takes the one insert of a transaction that does nothing else. */
  readonly commits: GroupCommit;
}

export interface TransactionOptions extends Means {
  /** Null where a transaction inside an open one finds another connection. */
  readonly nesting: Nesting | null;
}

/**
 * Transactions that begin with their first statement, where the driver lets them: one that only triggers is a single
 * statement, shared with others like it, and what nobody waits for goes out together with the commit. What `run` throws comes out as it is, what
 * BEGIN and COMMIT throw as Sherd's.
 */
export function createTransaction({ nesting, ...means }: TransactionOptions): DatabaseAdapter["transaction"] {
  return async (run) => {
    nesting?.refuse(verb);
    const open = new OpenTransaction(means);
    let value: Awaited<ReturnType<typeof run>>;
    try {
      const tx = await open.transaction();
      const running = nesting === null ? run(tx) : nesting.inside(() => run(tx));
      // What was sent on a connection that is gone may never be answered.
      value = await Promise.race([running, open.broken]);
    } catch (error) {
      throw await open.rollBack(error);
    }
    await open.commit();
    return value;
  };
}

/** One transaction, from before its BEGIN to its end. */
class OpenTransaction {
  /** Rejects when the transaction could not begin, or its connection is gone. */
  readonly broken: Promise<never>;
  readonly #break: (error: unknown) => void;
  readonly #executor: Executor;
  readonly #connection: Connection;
  readonly #commits: GroupCommit;
  /** How it is to end: what the driver runs within the transaction waits for it. */
  readonly #end = Promise.withResolvers<void>();
  #deferred: (readonly NewItem[])[] = [];
  #sent: Promise<void> = Promise.resolve();
  #answers: Promise<unknown>[] = [];
  #beginning: Promise<PostgresTransaction> | null = null;
  #whole: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor({ executor, connection, commits }: Means) {
    this.#executor = executor;
    this.#connection = connection;
    this.#commits = commits;
    this.#end.promise.catch(() => {});
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.broken = promise;
    this.#break = reject;
  }

  /** What is handed to users: of a driver that must begin first, the transaction itself. */
  async transaction(): Promise<PostgresTransaction> {
    const { lazyDatabase } = this.#connection;
    if (lazyDatabase === null) return this.#begun();
    const session: Session = {
      begin: () => this.#begun(),
      query: async (text, parameters) => (await this.#begun()).parts.session.query(text, parameters),
    };
    const client = async () => {
      const inner = await this.#begun();
      if (inner.parts.client === null) throw new TypeError("Only postgres.js begins late");
      return inner.parts.client;
    };
    return new PostgresTransaction({
      session,
      makeDb: () => lazyDatabase(lazyClient(client)),
      defer: (items) => this.#deferred.push(items),
      client: null,
    });
  }

  async commit(): Promise<void> {
    if (this.#beginning === null && this.#deferred.length <= 1) return this.#commitAlone();
    await (this.#beginning ??= this.#begin());
    this.#isOver = true;
    this.#end.resolve();
    await this.#whole.catch((error: unknown) => {
      throw asSherdError(error, verb);
    });
    // A COMMIT after a statement that failed rolls back, and says nothing of it.
    await Promise.all(this.#answers);
    await this.#executor.observe(verb, "commit", "after");
  }

  /** One insert, or nothing, needs no transaction of its own. */
  async #commitAlone(): Promise<void> {
    this.#isOver = true;
    for (const items of this.#deferred) await this.#commits.commit(items);
  }

  /** Answers what to throw: `error`, unless the transaction ended by another, or had failed before. */
  async rollBack(error: unknown): Promise<unknown> {
    this.#isOver = true;
    this.#end.reject(error);
    await this.#beginning?.catch(() => {});
    const ending = await this.#whole.then(
      () => error,
      (thrown: unknown) => (thrown === error ? error : asSherdError(thrown, verb)),
    );
    if (!isAfterFailure(error)) return ending;
    const ends = await Promise.allSettled(this.#answers);
    return ends.find((end) => end.status === "rejected")?.reason ?? ending;
  }

  /** The transaction within, begun if it was not yet, after what was deferred. */
  async #begun(): Promise<PostgresTransaction> {
    if (this.#isOver) throw new Error("The transaction has ended; nothing can be sent on it any more");
    const inner = await (this.#beginning ??= this.#begin());
    await this.#sendDeferred(inner);
    return inner;
  }

  async #begin(): Promise<PostgresTransaction> {
    await this.#executor.observe(verb, "begin", "before");
    return new Promise((resolve, reject) => {
      this.#whole = this.#connection.transaction(async (inner) => {
        await this.#executor.observe(verb, "begin", "after");
        resolve(inner);
        await this.#end.promise;
        await this.#executor.observe(verb, "commit", "before");
        await this.#sendDeferred(inner);
      });
      this.#whole.catch((thrown: unknown) => {
        const error = asSherdError(thrown, verb);
        this.#break(error);
        reject(error);
      });
    });
  }

  /** Resolves when all of it was sent: what is sent next comes after it. */
  #sendDeferred({ parts }: PostgresTransaction): Promise<void> {
    const inserts = this.#deferred.splice(0);
    const send = async () => {
      for (const items of inserts) {
        const { answer } = await startInsert(this.#executor, items, parts.session);
        answer.catch(() => {});
        this.#answers.push(answer);
      }
    };
    if (inserts.length > 0) this.#sent = this.#sent.then(send);
    return this.#sent;
  }
}
