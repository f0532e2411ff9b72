import type { DatabaseAdapter } from "@sherd/core";

/** One empty database with the adapter that is to be tested on it. */
export interface AdapterUnderTest {
  readonly adapter: DatabaseAdapter;

  /**
   * Open one more adapter on the same database, over connections of its own, as another process would. The suite
   * closes it. Leave it out where there can be only one: in memory, in a Durable Object.
   */
  another?(): Promise<DatabaseAdapter>;

  /** The database's clock, where a test can move it. Without one, the suite waits for real milliseconds. */
  readonly clock?: {
    /** Milliseconds since the epoch. */
    now(): number;
    advance(ms: number): Promise<void>;
  };

  /**
   * Run `work`, which uses the database, where that can be used. Leave it out where that is anywhere; a Durable Object's
   * storage answers only what the object itself runs.
   */
  run?<T>(work: () => Promise<T>): Promise<T>;

  /** Close the adapter and remove the database. */
  close(): Promise<void>;
}

/** A guarantee that an adapter cannot give. Its test still runs, and must fail. */
export interface Deviation {
  /** The test's name, without that of its group. */
  readonly test: string;
  readonly reason: string;
}
