import type { SherdError } from "@sherd/core";
import type { CursorOf, MetaOf, PoolId, Pools } from "../pool.ts";
import type { Subject } from "../subject.ts";
import type {
  Checkpoint,
  ClaimDueSubjects,
  Completion,
  Failure,
  HeldSubject,
  ListSubjects,
  OfPool,
  SyncSubjects,
} from "./requests.ts";

export type SubjectOf<P extends Pools, Id extends PoolId<P>> = Subject<CursorOf<P, Id>, MetaOf<P, Id>>;

/** How one subject of a batch fared: as it is now, or why nothing of it changed. */
export type SubjectResult<S> =
  | { readonly subjectKey: string; readonly ok: true; readonly subject: S }
  | { readonly subjectKey: string; readonly ok: false; readonly error: SherdError };

export interface SubjectPage<S> {
  readonly subjects: readonly S[];
  /** Pass it on for the next page; null when this was the last. */
  readonly cursor: string | null;
}

/**
 * The calls on subjects of one profile, each atomic. Those of a holder carry the latest revision, which is the fence: they fail
 * with `REVISION_CONFLICT` when it is no longer the current one, with `NOT_LEASED` when nobody holds the subject, and with
 * `SUBJECT_NOT_FOUND`. Bad input fails with `INVALID_REQUEST`, before anything is written.
 */
export interface SubjectCalls<P extends Pools> {
  /**
   * Have these subjects: create what is missing, refresh what is known and not active. Nothing of an active one changes,
   * and absent ones stay. Answers them in order.
   */
  syncSubjects<Id extends PoolId<P>>(request: SyncSubjects<P, Id>): Promise<readonly SubjectOf<P, Id>[]>;
  /**
   * Lease subjects that are due and that nobody holds, or whose lease has expired; the oldest due first. Two callers never
   * receive the same.
   */
  claimDueSubjects<Id extends PoolId<P>>(request: ClaimDueSubjects<Id>): Promise<readonly SubjectOf<P, Id>[]>;
  /** Keep how far the work has come. Fails with `LEASE_EXPIRED` as well. */
  checkpointSubject<Id extends PoolId<P>>(
    request: OfPool<Id> & Checkpoint<CursorOf<P, Id>, MetaOf<P, Id>>,
  ): Promise<SubjectOf<P, Id>>;
  /** Let go of a subject whose work is done for now. Also after its lease has expired, if nobody took over. */
  completeSubject<Id extends PoolId<P>>(
    request: OfPool<Id> & Completion<CursorOf<P, Id>, MetaOf<P, Id>>,
  ): Promise<SubjectOf<P, Id>>;
  /** Complete many; one that is refused harms no other. Answers in order. */
  completeSubjects<Id extends PoolId<P>>(
    request: OfPool<Id> & { readonly subjects: readonly Completion<CursorOf<P, Id>, MetaOf<P, Id>>[] },
  ): Promise<readonly SubjectResult<SubjectOf<P, Id>>[]>;
  /** Let go of a subject whose work failed. Also after its lease has expired, if nobody took over. */
  failSubject<Id extends PoolId<P>>(
    request: OfPool<Id> & Failure<CursorOf<P, Id>, MetaOf<P, Id>>,
  ): Promise<SubjectOf<P, Id>>;
  /** Fail many; one that is refused harms no other. Answers in order. */
  failSubjects<Id extends PoolId<P>>(
    request: OfPool<Id> & { readonly subjects: readonly Failure<CursorOf<P, Id>, MetaOf<P, Id>>[] },
  ): Promise<readonly SubjectResult<SubjectOf<P, Id>>[]>;
  /** Give a subject back as if it had not been claimed, due at once. Fails with `LEASE_EXPIRED` as well. */
  releaseSubject<Id extends PoolId<P>>(request: OfPool<Id> & HeldSubject): Promise<SubjectOf<P, Id>>;
  /** Null when there is none. */
  getSubject<Id extends PoolId<P>>(
    request: OfPool<Id> & { readonly subjectKey: string },
  ): Promise<SubjectOf<P, Id> | null>;
  /** List subjects by key, in the database's order of texts. */
  listSubjects<Id extends PoolId<P>>(request: ListSubjects<Id>): Promise<SubjectPage<SubjectOf<P, Id>>>;
  /** Delete a subject, whoever holds it: its holder's next call fails with `SUBJECT_NOT_FOUND`. Answers whether there was one. */
  deleteSubject<Id extends PoolId<P>>(
    request: OfPool<Id> & { readonly subjectKey: string },
  ): Promise<boolean>;
}
