import type { CursorOf, MetaOf, PoolId, Pools } from "../pool.ts";

/** What is absent stays as it is; null clears. */
export interface Progress<Cursor, Meta> {
  readonly cursor?: Cursor | null;
  readonly meta?: Meta | null;
}

export interface SubjectDraft<Cursor, Meta> extends Progress<Cursor, Meta> {
  /** Stable and deterministic: the same subject always has the same. Up to 500 characters. */
  readonly subjectKey: string;
  /** Null: not until another sync says when. A new subject is due now unless this is given. */
  readonly nextDueAt?: Date | null;
}

/** Whose claim a call is made under. */
export interface HeldSubject {
  readonly subjectKey: string;
  /** The latest that was answered. */
  readonly revision: number;
}

/** What `failSubject` keeps of an error. */
export interface SubjectFailure {
  readonly message: string;
  readonly code?: string;
  readonly retryable?: boolean;
}

export interface Completion<Cursor, Meta> extends HeldSubject, Progress<Cursor, Meta> {
  /** When it is due again. Absent or null: not until a sync says when. */
  readonly nextDueAt?: Date | null;
}

export interface Failure<Cursor, Meta> extends HeldSubject, Progress<Cursor, Meta> {
  /** Anything thrown will do. */
  readonly error: SubjectFailure | Error;
  /** When it is due again; null parks it until a sync says when. At most one of this and `retryAfterMs`; without both, the pool's `retry` says. */
  readonly nextDueAt?: Date | null;
  /** Due so many milliseconds from now. */
  readonly retryAfterMs?: number;
}

export interface Checkpoint<Cursor, Meta> extends HeldSubject, Progress<Cursor, Meta> {
  /** The lease lasts so long from now on, in milliseconds. Absent: as it did. */
  readonly leaseMs?: number;
}

export interface OfPool<Id> {
  readonly dispatcherId: Id;
}

export interface SyncSubjects<P extends Pools, Id extends PoolId<P>> extends OfPool<Id> {
  /** Up to 10,000, no key twice. */
  readonly subjects: readonly SubjectDraft<CursorOf<P, Id>, MetaOf<P, Id>>[];
  /** `create-only` leaves known subjects alone. Default: `upsert`. */
  readonly mode?: "upsert" | "create-only";
}

export interface ClaimDueSubjects<Id> extends OfPool<Id> {
  /** How long each lease lasts, in milliseconds on the database clock. Up to 7 days. */
  readonly leaseMs: number;
  /** 1 to 1,000. Default: 10. */
  readonly limit?: number;
}

export interface ListSubjects<Id> extends OfPool<Id> {
  /** Only subjects of this status. */
  readonly status?: "idle" | "leased" | "running" | "succeeded" | "failed";
  /** 1 to 1,000. Default: 50. */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string | null;
}
