import type { Transaction } from "./adapter.ts";

/** Why a processor should look: there may be due work, or a running item was asked to stop. */
export type WakeReason = "work" | "cancel";

/**
 * Wake-ups between those who commit work and those who run it. They are hints: any of them may be
 * lost, doubled or late, and correctness never depends on one.
 */
export interface Notifier {
  /** Tell the subscribers of `queue`, in this process and, where the database can, in others. Never throws. */
  publish(queue: string, reason: WakeReason): void;

  /**
   * Tell the subscribers of `queue` once the caller's transaction `tx` has committed, as closely as
   * the database allows it. Resolves before that commit.
   */
  publishOnCommit(tx: Transaction, queue: string): Promise<void>;

  /**
   * Call `wake` on every hint for `queue` until the returned function is called. Resolves when hints
   * from other processes can arrive; `onError` hears of a connection that had to be made anew.
   */
  subscribe(
    queue: string,
    wake: (reason: WakeReason) => void,
    onError: (error: unknown) => void,
  ): Promise<() => Promise<void>>;
}
