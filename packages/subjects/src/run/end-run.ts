import {
  isNonRetryable,
  type PulledItem,
  type PullDue,
  type PullMove,
  type PullFence,
  pullMoves,
} from "@sherd/core";
import { encodeProgress } from "../call/check.ts";
import { describeFailure, dueAfterFailure } from "../call/failure.ts";
import { refusalOf } from "../errors.ts";
import type { SubjectInternals } from "../internals.ts";
import type { Pool } from "../pool.ts";
import type { RunSettings } from "./options.ts";
import type { RunEnd, SubjectRun } from "./subject-run.ts";

interface WrittenEnd {
  readonly counted: "completed" | "failed" | "givenBack" | "other";
  /** When the subject is due again, in milliseconds; null when it is not, or nobody knows. */
  readonly dueInMs: number | null;
}

const never: PullDue = { kind: "never" };

/** Write how a run ended, and tell of it. What a handler answered that cannot be kept makes it a failure. */
export async function endRun(
  internals: SubjectInternals,
  settings: RunSettings,
  run: SubjectRun,
  end: RunEnd,
  again: (error: unknown) => Promise<boolean>,
): Promise<WrittenEnd> {
  const { clock, profile, report } = internals;
  const { dispatcherId } = settings;
  const about = { profile, dispatcherId, subjectKey: run.key };
  const { make, kind, error } = await moveOf(internals, settings, run, end);
  const fence = run.hold.item;
  const answer = await run.hold.end(make, again);
  const refusal = refusalOf({ call: kind, dispatcherId }, fence, answer);
  if (refusal !== null) {
    // A release that comes after the lease has expired is only late: the next claim takes over.
    const isLate = answer.result === "expired";
    report.event(isLate ? { type: "released", ...about } : { type: "fenced", ...about, error: refusal });
    return { counted: "other", dueInMs: null };
  }
  const { dueAt, failures } = answer.item as PulledItem;
  const nextDueAt = dueAt === null ? null : new Date(dueAt);
  const dueInMs = dueAt === null ? null : Math.max(0, dueAt - clock.now());
  switch (kind) {
    case "complete":
      report.event({ type: "succeeded", ...about, durationMs: clock.elapsed() - run.startedAt, nextDueAt });
      return { counted: "completed", dueInMs };
    case "fail":
      report.event({ type: "failed", ...about, error, failureCount: failures, nextDueAt });
      return { counted: "failed", dueInMs };
    case "release":
      report.event({ type: "released", ...about });
      return { counted: "givenBack", dueInMs: null };
  }
}

interface EndMove {
  readonly kind: "complete" | "fail" | "release";
  readonly make: (fence: PullFence) => PullMove;
  readonly error: unknown;
}

async function moveOf(
  internals: SubjectInternals,
  settings: RunSettings,
  run: SubjectRun,
  end: RunEnd,
): Promise<EndMove> {
  if (end.kind === "interrupted") return { kind: "release", make: pullMoves.release, error: null };
  const pool = internals.pools[settings.dispatcherId] as Pool;
  if (end.kind === "completed") {
    try {
      const progress = await encodeProgress("complete", pool, end.outcome);
      const due = dueAfterSuccess(settings, run.hold.item, end.outcome.nextDueAt);
      return { kind: "complete", make: (fence) => pullMoves.complete(fence, progress, due), error: null };
    } catch (error) {
      return failureOf(internals, settings, run, error);
    }
  }
  return failureOf(internals, settings, run, end.error);
}

function failureOf(
  { clock, pools, random }: SubjectInternals,
  { dispatcherId, parkAfter }: RunSettings,
  run: SubjectRun,
  error: unknown,
): EndMove {
  const { failures, lost } = run.hold.item;
  const { retry } = pools[dispatcherId] as Pool;
  const isLast = isNonRetryable(error) || failures + lost + 1 >= parkAfter;
  const due = isLast ? never : dueAfterFailure(retry, failures, error, random());
  const described = describeFailure(error, clock.now());
  const make = (fence: PullFence): PullMove => ({
    ...pullMoves.fail(fence, {}, described, due),
    // Parked, its takeovers are dealt with: a sync gives it another chance.
    ...(isLast ? { lost: "reset" } : {}),
  });
  return { kind: "fail", make, error };
}

/** With discovery the next round makes it due; without, the round's length after its start does, if there are rounds. */
function dueAfterSuccess(
  { discover, everyMs }: RunSettings,
  { startedAt }: PulledItem,
  nextDueAt: Date | null | undefined,
): PullDue {
  if (nextDueAt !== undefined) return nextDueAt === null ? never : { kind: "at", at: nextDueAt.getTime() };
  if (discover !== null || everyMs === null) return never;
  return { kind: "at", at: (startedAt ?? 0) + everyMs };
}
