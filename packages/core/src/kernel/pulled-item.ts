import type { AttemptError } from "./item.ts";

/**
 * How far a pulled item is. `leased` and `running` (its holder was heard of since) are active; the others tell how it was
 * let go of last, `idle` also when it never was held.
 */
export type PullPhase = "idle" | "leased" | "running" | "succeeded" | "failed";

/**
 * An item that a caller claims by itself instead of being run: its key names it, it is never done, and its revision is
 * the fence, in the hands of whoever holds it. Times are milliseconds since the epoch on the database clock.
 */
export interface PulledItem {
  readonly id: string;
  readonly key: string;
  readonly phase: PullPhase;
  /** JSON text: what it is for. */
  readonly body: string;
  /** JSON text: how far the work on it has come. */
  readonly memo: string;
  /** When it is due; while it is active, when it became due. Null: not until somebody says when. */
  readonly dueAt: number | null;
  /** Who holds it, or held it until its lease expired without anybody taking over; null when it was let go of. */
  readonly owner: string | null;
  readonly lease: string | null;
  readonly leaseExpiresAt: number | null;
  /** Claims since it last succeeded, but those that were released. */
  readonly attempts: number;
  /** Failures since it last succeeded. */
  readonly failures: number;
  /** Leases that expired, in a row, and were taken over. */
  readonly lost: number;
  /** Of the last failure, if it has not succeeded since. */
  readonly error: AttemptError | null;
  readonly revision: number;
  readonly startedAt: number | null;
  /** When it last succeeded or failed. */
  readonly endedAt: number | null;
  readonly succeededAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A pulled item as adapters read it. */
export type PulledColumns = readonly [
  id: string,
  key: string,
  phase: PullPhase,
  body: string,
  memo: string,
  dueAt: number | null,
  owner: string | null,
  lease: string | null,
  leaseExpiresAt: number | null,
  attempts: number,
  failures: number,
  lost: number,
  error: AttemptError | null,
  revision: number,
  startedAt: number | null,
  endedAt: number | null,
  succeededAt: number | null,
  createdAt: number,
  updatedAt: number,
];

export function pulledItem(columns: PulledColumns): PulledItem {
  const [id, key, phase, body, memo, dueAt, owner, lease, leaseExpiresAt, attempts, failures, ...rest] =
    columns;
  const [lost, error, revision, startedAt, endedAt, succeededAt, createdAt, updatedAt] = rest;
  return {
    id,
    key,
    phase,
    body,
    memo,
    dueAt,
    owner,
    lease,
    leaseExpiresAt,
    attempts,
    failures,
    lost,
    error,
    revision,
    startedAt,
    endedAt,
    succeededAt,
    createdAt,
    updatedAt,
  };
}

/** What is known of an item that is to be there. What is absent stays as it is, or begins as null and due now. */
export interface PullDraft {
  /** UUIDv7, for the item if there is none with this key. */
  readonly id: string;
  readonly key: string;
  /** Where its revisions begin: at random, so that no holder of an item before it with this key fits it. Up to 2^30. */
  readonly revision: number;
  readonly body?: string;
  readonly memo?: string;
  readonly dueAt?: number | null;
}

/** When an item is due next, on the database clock. */
export type PullDue =
  | { readonly kind: "at"; readonly at: number }
  | { readonly kind: "in"; readonly ms: number }
  /** Not until a draft says when. */
  | { readonly kind: "never" };

/** What one call of an item's holder does to it. Storage applies it as it stands, under the fence. */
export interface PullMove {
  readonly key: string;
  /** The item must have it, else nothing changes. */
  readonly revision: number;
  readonly phase: PullPhase;
  /** Whether an expired lease refuses it; otherwise it stands as long as nobody took over. */
  readonly needsLiveLease: boolean;
  /** Null: as it is. */
  readonly due: PullDue | null;
  readonly body?: string;
  readonly memo?: string;
  readonly attempts: "kept" | "reset" | "undone";
  readonly failures: "kept" | "reset" | "counted";
  readonly lost: "kept" | "reset";
  /** Appended to the last nine; `attempt` is what it is before this. */
  readonly error: AttemptError | null;
  /** Whether the holder lets go of it. */
  readonly endsLease: boolean;
  /** The lease lasts so long from now on, in milliseconds; null: as it did. */
  readonly leaseMs: number | null;
}

/** `conflict`: it has another revision. `idle`: nobody holds it. `expired`: its lease has expired. Then nothing changed. */
export type PullResult = "moved" | "missing" | "conflict" | "idle" | "expired";

/** The answer for one move. */
export interface PulledMove {
  readonly result: PullResult;
  /** As it is now; null when it is missing. */
  readonly item: PulledItem | null;
}
