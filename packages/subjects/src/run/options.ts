import { invalidOption, longestDelayMs, optionalFunction, requireInteger, requireKnown } from "@sherd/core";
import type { SubjectOf } from "../call/calls.ts";
import type { Checkpoint, HeldSubject, Progress, SubjectDraft } from "../call/requests.ts";
import type { SubjectTransaction } from "../subjects.ts";
import type { CursorOf, MetaOf, Pool, PoolId, Pools } from "../pool.ts";
import type { SubjectInternals } from "../internals.ts";

/** A checkpoint whose key and revision the run knows. */
export type RunCheckpoint<Cursor, Meta> = Omit<Checkpoint<Cursor, Meta>, keyof HeldSubject>;

/** What a handler is given beside its subject. */
export interface SubjectContext<P extends Pools, Id extends PoolId<P>> {
  /** Aborted on timeout, takeover and shutdown. */
  readonly signal: AbortSignal;
  /** The subject as the last checkpoint left it. */
  readonly subject: SubjectOf<P, Id>;
  /** Keep how far the work has come: who takes over goes on from there. Fails with what `checkpointSubject` fails with. */
  checkpoint(progress: RunCheckpoint<CursorOf<P, Id>, MetaOf<P, Id>>): Promise<SubjectOf<P, Id>>;
  /**
   * Run `work` in a transaction: what it writes and the checkpoints of its `tx` commit together, as long as this run holds
   * its subject; without a checkpoint, too.
   */
  transaction<T>(work: (tx: RunTransaction<P, Id>) => Promise<T>): Promise<T>;
  /** The same checkpoint inside a transaction of the caller's: a drizzle transaction, or a fragment's unit of work. */
  within(transaction: object): Pick<SubjectContext<P, Id>, "checkpoint">;
}

export interface RunTransaction<P extends Pools, Id extends PoolId<P>> {
  readonly db: SubjectTransaction<P>["db"];
  checkpoint(progress: RunCheckpoint<CursorOf<P, Id>, MetaOf<P, Id>>): Promise<SubjectOf<P, Id>>;
}

/** What a handler may answer; without anything, the subject is due again with the next round. */
export interface SubjectOutcome<Cursor, Meta> extends Progress<Cursor, Meta> {
  /** When it is due again; null waits for a sync. */
  readonly nextDueAt?: Date | null;
}

/** What becomes of a subject that keeps failing: it is retried, or parked after so many failures and takeovers in a row. */
export type FailurePolicy = "retry" | { readonly parkAfter: number };

export interface RunSubjects<P extends Pools, Id extends PoolId<P>> {
  readonly dispatcherId: Id;
  /**
   * Tell which subjects there are, once a round: new ones begin with their `cursor`, known ones get their `meta` refreshed,
   * and those that succeeded and have no due time of their own are due. Among the processes of a pool, one does so at a
   * time. When it fails, or takes longer than `timeoutMs`, it is tried again as a subject would be.
   */
  readonly discover?: (context: {
    readonly signal: AbortSignal;
  }) => PromiseLike<readonly SubjectDraft<CursorOf<P, Id>, MetaOf<P, Id>>[]>;
  /** How long a round is, in milliseconds: how often to discover, or, without that, how long after its start a subject is due again. */
  readonly every?: number;
  /** How many subjects this process works on at a time. Default: 10. */
  readonly concurrency?: number;
  /** How long a process that has died keeps its subjects from others, in milliseconds. Renewed at a third. Default: 60,000. */
  readonly leaseMs?: number;
  /** The longest one run may take, in milliseconds; false is for ever. Default: 600,000. */
  readonly timeoutMs?: number | false;
  /** Default: `retry`. */
  readonly failurePolicy?: FailurePolicy;
  /**
   * Work on one subject. Answering completes it; throwing fails it: `RetryAfter` says when it is due again, `NonRetryable` parks
   * it until a sync says when, and anything else is retried as the pool says.
   */
  readonly handle: (
    subject: SubjectOf<P, Id>,
    context: SubjectContext<P, Id>,
  ) => PromiseLike<SubjectOutcome<CursorOf<P, Id>, MetaOf<P, Id>> | void>;
}

type AnyPools = Record<string, Pool>;
type AnyRun = RunSubjects<AnyPools, string>;

/** The same, checked and with every default filled in. */
export interface RunSettings {
  readonly dispatcherId: string;
  readonly discover: AnyRun["discover"] | null;
  readonly everyMs: number | null;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly timeoutMs: number | null;
  readonly parkAfter: number;
  readonly handle: AnyRun["handle"];
}

const names = [
  "dispatcherId",
  "discover",
  "every",
  "concurrency",
  "leaseMs",
  "timeoutMs",
  "failurePolicy",
  "handle",
] as const satisfies readonly (keyof AnyRun)[];

export function runSettings({ pools }: SubjectInternals, options: AnyRun): RunSettings {
  requireKnown("runSubjects", options, names);
  const { dispatcherId, discover, every, handle, timeoutMs = 600_000, failurePolicy = "retry" } = options;
  if (!Object.hasOwn(pools, dispatcherId))
    throw invalidOption("runSubjects.dispatcherId", dispatcherId, `one of ${Object.keys(pools).join(", ")}`);
  if (typeof handle !== "function") throw invalidOption("runSubjects.handle", handle, "a function");
  if (discover !== undefined && every === undefined)
    throw invalidOption("runSubjects.every", every, "given beside discover: how often it is to be asked");
  return {
    dispatcherId,
    handle,
    discover: optionalFunction("runSubjects.discover", discover),
    everyMs: every === undefined ? null : requireInteger("runSubjects.every", every, 1, longestDelayMs),
    concurrency: requireInteger("runSubjects.concurrency", options.concurrency ?? 10, 1, 1_000),
    leaseMs: requireInteger("runSubjects.leaseMs", options.leaseMs ?? 60_000, 100, 86_400_000),
    timeoutMs:
      timeoutMs === false ? null : requireInteger("runSubjects.timeoutMs", timeoutMs, 1, longestDelayMs),
    parkAfter: parkAfter(failurePolicy),
  };
}

function parkAfter(policy: FailurePolicy): number {
  if (policy === "retry") return Infinity;
  if (typeof policy === "object" && policy !== null)
    return requireInteger("runSubjects.failurePolicy.parkAfter", policy.parkAfter, 1);
  throw invalidOption("runSubjects.failurePolicy", policy, `"retry" or { parkAfter: number }`);
}
