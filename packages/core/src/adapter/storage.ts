import type {
  ClaimedItem,
  ItemCounts,
  ItemFilter,
  ItemPage,
  ItemView,
  LostItem,
  NewItem,
  Outcome,
  SettledItem,
  Settlement,
} from "../kernel/item.ts";
import type { Transaction } from "./adapter.ts";

/** How an enqueued item met an item that held its key. */
export interface KeyConflict {
  readonly id: string;
  readonly existingId: string;
  readonly resolution: "ignored" | "replaced";
}

/** An item that was lost often may be what kills its processes: such come one by one, so that none is blamed for another. */
export interface SuspectRule {
  /** The losses from which an item is a suspect. 1 or more. */
  readonly lostFrom: number;
  /** Whether one may come now; more never do. */
  readonly takesOne: boolean;
}

export interface ClaimRequest {
  readonly queue: string;
  /** Handlers that the caller can run; items under other names are left alone. */
  readonly names: readonly string[];
  /** 1 or more. */
  readonly limit: number;
  /** How long the lease lasts on the database clock, in milliseconds. */
  readonly leaseMs: number;
  /** Who holds it, for operators; it fences nothing. */
  readonly owner: string;
  /** Without it, no item is a suspect. */
  readonly suspects?: SuspectRule;
}

export interface Claim {
  readonly items: readonly ClaimedItem[];
  /** True when a further claim would find more. */
  readonly more: boolean;
}

export interface Sweep {
  /** Items that were timed and are ready now. */
  readonly promoted: number;
  readonly lost: readonly LostItem[];
  /** True when the limit was reached. */
  readonly more: boolean;
}

export interface Extension {
  /** Of the leases asked for, those that are gone; what they listed is not the caller's any more. */
  readonly gone: readonly string[];
  /** Ids listed by the leases that stand whose cancellation was requested. */
  readonly cancelled: readonly string[];
}

/**
 * The kernel's storage: verbs over items and leases, all set-based, one round trip a batch, each its
 * own transaction unless it takes `tx`. Times are the database clock's. A held item is one that a
 * lease lists; only `sweep` ends a lease that is past its time. Every verb fails with
 * `NOT_MIGRATED` where its tables are missing, and with `DATABASE_UNAVAILABLE` when a retry may help.
 */
export interface Storage {
  /**
   * Insert items in the caller's transaction. An item whose key a pending or held one has is ignored,
   * replaces that one's payload and due time in place (revision + 1), or fails with `KEY_CONFLICT`. Items without keys
   * may be sent with the commit, and then an error of theirs comes from that.
   */
  enqueue(tx: Transaction, items: readonly NewItem[]): Promise<readonly KeyConflict[]>;

  /**
   * Make up to `limit` timed items ready that are due, and end up to `limit` expired leases: each item
   * that such a lease lists and that is not finished counts one loss, and is ready again, or failed when
   * it has `maxLost` losses or no attempts left.
   */
  sweep(queue: string, limit: number, maxLost: number): Promise<Sweep>;

  /**
   * Lease up to `limit` ready items to `owner`, by priority, then trigger order; per concurrency key one
   * at a time, and of suspects one or none. Claims of one queue are serialized: two callers never receive the
   * same item. Items that were lost before come in leases of one. `closed` names leases that have nothing left to end.
   */
  claim(request: ClaimRequest, closed: readonly string[]): Promise<Claim>;

  /** Renew leases to `leaseMs` from now, also one past its time that was not swept yet. */
  extend(queue: string, leases: readonly string[], leaseMs: number): Promise<Extension>;

  /**
   * End attempts, each fenced by its lease: one that its lease no longer lists changes nothing and is
   * answered `lost`, one that another transaction has locked `busy`. Atomic as a whole, but no item's answer fails
   * or delays another. In `tx` when given, which
   * must have called `hold` for the same lease before.
   */
  settle(queue: string, outcomes: readonly Settlement[], tx?: Transaction): Promise<readonly SettledItem[]>;

  /** Keep `sweep` from ending `lease` until `tx` ends; tells whether the item is still the caller's to end. */
  hold(tx: Transaction, lease: string, id: string): Promise<"held" | "lost" | "cancelled">;

  /** Make parked items with these keys ready; others are left as they are. */
  wake(queue: string, keys: readonly string[], tx?: Transaction): Promise<number>;

  /**
   * Milliseconds until something may have to be done: 0 when an item could be claimed now, else until the
   * earliest due time or lease expiry; null when there is nothing.
   */
  nextWakeInMs(queue: string, names: readonly string[]): Promise<number | null>;

  /** End leases that have nothing left to end, so that they burden no claim. */
  closeLeases(leases: readonly string[]): Promise<void>;

  /** List items, newest first, from `filter.cursor` on. */
  list(queue: string, filter: ItemFilter): Promise<ItemPage>;

  /** Count the items of each status, and tell how long the oldest due one has waited. */
  count(queue: string): Promise<ItemCounts>;

  /** Null when the queue has no such item, or no longer. */
  get(queue: string, id: string): Promise<ItemView | null>;

  /** Make a failed item ready with fresh attempts. Fails with `KEY_CONFLICT` when a newer one has its key. */
  retry(queue: string, id: string): Promise<"retried" | "not_failed" | "not_found">;

  /** Finish an item as cancelled, or, when it is held, ask its holder to stop; whatever it answers, it ends so. */
  cancel(queue: string, id: string): Promise<"cancelled" | "requested" | "finished" | "not_found">;

  /**
   * Delete items that finished so more than `olderThanMs` ago, the oldest first: about `limit` of them, as what finished
   * together goes together. Answers how many; less than `limit` when no more are left.
   */
  prune(queue: string, outcome: Outcome, olderThanMs: number, limit: number): Promise<number>;
}
