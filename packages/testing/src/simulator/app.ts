import type { AnyFragment, DatabaseAdapter, DurableHooksOptions, DurableHooksProcessor } from "@sherd/core";
import type { Violation } from "./invariants.ts";
import type { Random } from "./random.ts";

/** One start of a process, as the app sees it. */
export interface ProcessContext {
  readonly databaseAdapter: DatabaseAdapter;
  /** To be spread into the fragment's `durableHooks`: clock, seed, lease and the ears of the simulator. */
  readonly durableHooks: DurableHooksOptions;
  /** True when this process runs the code of the release before. */
  readonly isOlderRelease: boolean;
  /** Wait in virtual time. For ever, when the process dies meanwhile. */
  sleep(ms: number): Promise<void>;
  /** Kill this process where it stands. */
  crash(): void;
  /** Write a line into the history. */
  note(what: string): void;
}

/** What a user of the app does at a random moment, in one of its processes. */
export interface ActionContext<F extends AnyFragment = AnyFragment> {
  readonly fragments: readonly F[];
  readonly random: Random;
  /** Ids of hooks that were triggered before, the latest last. */
  readonly triggered: readonly string[];
}

/** What an app's check may need to know beside its own tables. */
export interface RunEnd {
  /** Hooks that had finished and were pruned. */
  readonly pruned: ReadonlySet<string>;
}

/** The user's own fragments, and what happens to them. */
export interface SimulatedApp<F extends AnyFragment = AnyFragment> {
  /** Make the fragments of one process; called at each start. They share the adapter. */
  fragments(context: ProcessContext): readonly F[];
  /** Make the processors that a process runs beside those of its fragments; called at each start, after `fragments`. */
  processors?(context: ProcessContext, fragments: readonly F[]): readonly DurableHooksProcessor[];
  /** By name. What an action throws is the user's bad luck, and the app's to survive. */
  readonly actions: Readonly<Record<string, (context: ActionContext<F>) => Promise<unknown> | undefined>>;
  /**
   * Tell what is wrong once everything has drained: each text is a violation, of "the app's own checks hold" unless it
   * says of what. Called with the fragments of a process that nothing happens to.
   */
  check?(fragments: readonly F[], end: RunEnd): Promise<readonly (string | Violation)[]>;
}
