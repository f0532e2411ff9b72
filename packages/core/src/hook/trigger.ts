import type { OnConflict } from "../kernel/item.ts";
import type { StoredRetry } from "../retry/policy.ts";

export interface TriggerOptions {
  /** Not before this moment. Default: as soon as the transaction has committed. */
  readonly processAt?: Date;
  /** Among due hooks, higher goes first. A whole number of 32 bits. Default: 0. */
  readonly priority?: number;
  /** At most one pending or running hook of the fragment has this key. Finishing frees it. Up to 500 characters. */
  readonly key?: string;
  /**
   * What a hook does whose key is taken: `ignore` (default) drops this one; `replace` gives that one this name,
   * payload, time and options but its `concurrencyKey`, and has it run again if it is running; `error` fails the transaction with
   * `KEY_CONFLICT`. With a key, the id that is answered counts only if none was taken.
   */
  readonly onConflict?: OnConflict;
  /** Hooks with the same one run one at a time, in order. Up to 500 characters. */
  readonly concurrencyKey?: string;
  /** Let others with the same `concurrencyKey` go ahead while this one waits for its retry. Default: false. */
  readonly releaseKeyOnRetry?: boolean;
  /** Overrules the hook's policy, for this one. */
  readonly retry?: StoredRetry;
  /** Overrules the hook's, for this one, in milliseconds. */
  readonly timeoutMs?: number;
  /** Any JSON value, handed to the handler as `ctx.trace`. */
  readonly trace?: unknown;
}
