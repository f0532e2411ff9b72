import type { AttemptError, PulledItem } from "@sherd/core";

/** `leased` and `running` (its holder has checkpointed) are active; the others tell how it was let go of last. */
export type SubjectStatus = "idle" | "leased" | "running" | "succeeded" | "failed";

/** What a failure left behind. */
export interface SubjectError {
  readonly code: string | null;
  readonly message: string;
  /** Null where whoever reported it did not say. */
  readonly retryable: boolean | null;
}

/** A subject as every call answers it. Times are the database's. */
export interface Subject<Cursor = unknown, Meta = unknown> {
  readonly dispatcherId: string;
  readonly subjectKey: string;
  readonly status: SubjectStatus;
  readonly cursor: Cursor | null;
  readonly meta: Meta | null;
  /** While it is active, when it became due. Null: not until a sync says when. */
  readonly nextDueAt: Date | null;
  /** Who holds it; null when it is not active. */
  readonly leaseOwner: string | null;
  /** May be past: a lease stands until somebody takes over. */
  readonly leaseExpiresAt: Date | null;
  /** Claims since it last succeeded, without those that were released. */
  readonly attempt: number;
  /** Failures since it last succeeded. */
  readonly failureCount: number;
  /** Takeovers since it last succeeded or checkpointed. */
  readonly consecutiveTimeouts: number;
  /** Of the last failure; null once it has succeeded. */
  readonly lastError: SubjectError | null;
  readonly lastStartedAt: Date | null;
  readonly lastFinishedAt: Date | null;
  readonly lastSuccessAt: Date | null;
  /** What every call of its holder carries; each change moves it on. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The subject that an item is. */
export function toSubject(dispatcherId: string, item: PulledItem): Subject<never, never> {
  return {
    dispatcherId,
    subjectKey: item.key,
    status: item.phase,
    cursor: JSON.parse(item.memo) as never,
    meta: JSON.parse(item.body) as never,
    nextDueAt: toDate(item.dueAt),
    leaseOwner: item.owner,
    leaseExpiresAt: toDate(item.leaseExpiresAt),
    attempt: item.attempts,
    failureCount: item.failures,
    consecutiveTimeouts: item.lost,
    lastError: item.error === null ? null : toSubjectError(item.error),
    lastStartedAt: toDate(item.startedAt),
    lastFinishedAt: toDate(item.endedAt),
    lastSuccessAt: toDate(item.succeededAt),
    revision: item.revision,
    createdAt: new Date(item.createdAt),
    updatedAt: new Date(item.updatedAt),
  };
}

function toSubjectError({ code, message, retryable }: AttemptError): SubjectError {
  return { code: code ?? null, message, retryable: retryable ?? null };
}

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}
