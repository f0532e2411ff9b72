import type { DatabaseAdapter, DurableHooksProcessor } from "@sherd/core";

/** An empty database, and what starts a dispatcher for a processor over it. */
export interface DispatcherUnderTest {
  readonly adapter: DatabaseAdapter;
  /** Start a dispatcher, as an application does when its process begins. Called once. */
  start(setup: DispatcherSetup): RunningDispatcher | Promise<RunningDispatcher>;
  /** Close the adapter and remove the database. The dispatcher has been stopped. */
  close(): Promise<void>;
}

export interface DispatcherSetup {
  /** A real processor, watched and now and then disturbed by the suite. */
  readonly processor: DurableHooksProcessor;
  /** How often to look although nothing said to, in milliseconds, give or take a tenth. */
  readonly backstopMs: number;
  /** To be told of what goes wrong when the dispatcher looks. */
  readonly onError: (error: unknown) => void;
}

export interface RunningDispatcher {
  /**
   * Stop for good. Running hooks may go on for `deadlineMs`, then they are interrupted and given back; resolves when all is
   * settled.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
}
