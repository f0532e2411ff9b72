export type SqlValue = string | number | bigint | null | Uint8Array;

/** The columns of one row, in the order of the statement. */
export type Row = readonly SqlValue[];

export type Awaitable<T> = T | Promise<T>;

/** What one transaction, or the connection between transactions, can do. */
export interface Session {
  /** True when a statement costs no round trip, so that a loop of small ones beats one that parses JSON. */
  readonly local: boolean;

  /** True where written rows are billed: one statement for many rows counts up their sequence once, a loop each time. */
  readonly paysByRow: boolean;

  /** Answers at once, without a promise, where the driver is synchronous. */
  query(sql: string, params: readonly SqlValue[]): Awaitable<readonly Row[]>;
}

/**
 * One database connection, opened by its first use. Its user holds the adapter's mutex around each
 * call, so no two of them overlap. A driver's own errors come through as they are.
 */
export interface Connection {
  /**
   * Run `body` in one write transaction: it holds the write lock before its first statement, commits when
   * `body` returns, rolls back when it throws. A busy database is asked again, but `body` runs only once.
   * When `body` answers without a promise on a synchronous driver, nothing else runs in between.
   */
  write<T>(body: (session: Session) => Awaitable<T>): Promise<T>;

  /** Like `write`, for changes of the schema: foreign keys are checked at its end instead of in between. */
  migrate<T>(body: (session: Session) => Awaitable<T>): Promise<T>;

  /** Run `body`, one reading statement, outside a transaction. A busy database is asked again. */
  read<T>(body: (session: Session) => Awaitable<T>): Promise<T>;

  /** Close what the connection opened itself. */
  close(): Promise<void>;
}
