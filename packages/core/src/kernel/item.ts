/** How a finished item ended. */
export type Outcome = "completed" | "failed" | "cancelled";

/**
 * What an item waits for. Held is not among them: an item is held while a lease lists it. `blocked` is ready, but behind
 * others of its concurrency key, where storage keeps it out of the way of claims.
 */
export type ItemState = "parked" | "ready" | "blocked" | "timed" | "done";

export type OnConflict = "ignore" | "replace" | "error";

/** One attempt that did not complete, as operators read it. */
export interface AttemptError {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly attempt: number;
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  /** Whether whoever reported it expects another attempt to do better; absent where nobody said. */
  readonly retryable?: boolean;
  readonly stack?: string;
}

export interface NewItem {
  /** UUIDv7. */
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly key: string | null;
  readonly onConflict: OnConflict;
  /** Milliseconds since the epoch; null is due now. */
  readonly dueAt: number | null;
  /** Higher goes first. */
  readonly priority: number;
  readonly concurrencyKey: string | null;
  readonly releaseKeyOnRetry: boolean;
  /** A retry policy as `formatRetry` writes it. */
  readonly retry: string;
  readonly maxAttempts: number;
  readonly timeoutMs: number | null;
  /** JSON text. */
  readonly body: string;
  /** JSON text. */
  readonly trace: string | null;
}

export interface ClaimedItem {
  readonly id: string;
  readonly lease: string;
  readonly name: string;
  readonly revision: number;
  readonly failures: number;
  readonly lost: number;
  readonly maxAttempts: number;
  readonly concurrencyKey: string | null;
  readonly retry: string;
  readonly timeoutMs: number | null;
  readonly body: string;
  readonly trace: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface LostItem {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  /** Losses so far, this one included. */
  readonly lost: number;
  /** What became of it: back to ready, out of attempts, or cancelled while it was held. */
  readonly end: "ready" | "failed" | "cancelled";
}

/** What one ended attempt does to its item. Storage applies it as it stands, under the fence. */
export interface Settlement {
  readonly id: string;
  readonly lease: string;
  /** The revision that was claimed: an item replaced since keeps its new payload and runs again. */
  readonly revision: number;
  readonly state: Exclude<ItemState, "blocked">;
  /** Set when `state` is done. */
  readonly outcome: Outcome | null;
  /** Set when `state` is timed: due this long after the settle, in milliseconds. */
  readonly delayMs: number | null;
  /** Set when `state` is parked: why. */
  readonly gate: string | null;
  readonly failed: boolean;
  readonly lost: boolean;
  readonly error: AttemptError | null;
}

/**
 * What settle made of one outcome. `lost`: the lease did not list the item any more, nothing changed.
 * `replaced`: the item was replaced while it was held and waits again. `cancelled`: its cancellation
 * had been requested, so it ended as that. `busy`: another transaction has the item locked, nothing changed yet;
 * send it again.
 */
export type SettleResult = "settled" | "lost" | "replaced" | "cancelled" | "busy";

/** The answer for one outcome. */
export interface SettledItem {
  readonly id: string;
  readonly result: SettleResult;
}

/** An item as operators see it. Times are milliseconds since the epoch. */
export interface ItemView {
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly key: string | null;
  readonly state: ItemState;
  readonly outcome: Outcome | null;
  readonly revision: number;
  readonly held: boolean;
  /** Who holds it, and under which lease; null when nobody does. */
  readonly owner: string | null;
  readonly lease: string | null;
  /** The revision that was claimed, which `revision` is ahead of when the item was replaced since; null when nobody holds it. */
  readonly claimedRevision: number | null;
  readonly cancelRequested: boolean;
  readonly priority: number;
  readonly concurrencyKey: string | null;
  /** When it is due; null when it is due now, held or finished. */
  readonly dueAt: number | null;
  readonly attempts: number;
  readonly failures: number;
  readonly lost: number;
  readonly maxAttempts: number;
  readonly errors: readonly AttemptError[];
  readonly body: string;
  readonly trace: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

export type ItemStatus = "pending" | "processing" | Outcome;

export interface ItemFilter {
  readonly status: ItemStatus;
  readonly name?: string;
  /** 1 or more. */
  readonly limit: number;
  readonly cursor: string | null;
}

export interface ItemPage {
  readonly items: readonly ItemView[];
  /** Pass it on for the next page; null when this was the last. */
  readonly cursor: string | null;
}

export interface ItemCounts extends Readonly<Record<ItemStatus, number>> {
  /** How long ago, in milliseconds, the oldest item that nobody holds became due; null when none is. */
  readonly oldestDueMs: number | null;
}
