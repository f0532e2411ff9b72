import type { PullDraft, PulledItem, PulledMove, PullMove } from "../kernel/pulled-item.ts";
import type { Transaction } from "./adapter.ts";

export interface PullRequest {
  readonly queue: string;
  /** 1 or more. */
  readonly limit: number;
  /** How long each lease lasts on the database clock, in milliseconds. */
  readonly leaseMs: number;
  /** Who holds them, for operators; it fences nothing. */
  readonly owner: string;
}

export interface PulledPage {
  readonly queue: string;
  /** Only items of this phase. */
  readonly phase: PulledItem["phase"] | null;
  /** Only keys that sort after this one. */
  readonly after: string | null;
  /** 1 or more. */
  readonly limit: number;
}

/**
 * The kernel's verbs over items that callers claim by themselves, each its own transaction unless it takes `tx`. Here an
 * item's revision is the fence, which every change of it moves on: a lease that has expired still stands, until another
 * claim takes its item over. Such items have queues of their own, which no processor claims from and nobody sweeps. What
 * `Storage` says of leases, wake-ups and counts holds for them, too: `extend`, `nextWakeInMs`, `count`. Errors are those of
 * `Storage`.
 */
export interface PullStorage {
  /**
   * Have an item for each draft, no two of one key, and answer them in order. One that is there already takes on what
   * its draft has, with `refreshes`, unless it is active; otherwise nothing of it changes.
   */
  put(
    queue: string,
    drafts: readonly PullDraft[],
    refreshes: boolean,
    tx?: Transaction,
  ): Promise<readonly PulledItem[]>;

  /**
   * Lease up to `limit` items that are due and that nobody holds, or whose lease has expired, each by a lease of its own and
   * with a new revision; the oldest due first, and of one moment any. Two callers never receive the same item, nor wait for
   * each other. Taking over counts a loss.
   */
  pull(request: PullRequest, tx?: Transaction): Promise<readonly PulledItem[]>;

  /** Change items that are held, no two of one key, each fenced by its revision. Answers in order; one refusal harms no other. */
  move(queue: string, moves: readonly PullMove[], tx?: Transaction): Promise<readonly PulledMove[]>;

  /** Find items by key, in the order of `keys`; null where there is none. */
  find(queue: string, keys: readonly string[], tx?: Transaction): Promise<readonly (PulledItem | null)[]>;

  /** List items by key, in the database's order of texts. */
  page(request: PulledPage, tx?: Transaction): Promise<readonly PulledItem[]>;

  /** Delete items, whoever holds them. Answers the keys of those that there were. */
  remove(queue: string, keys: readonly string[], tx?: Transaction): Promise<readonly string[]>;
}
