import type { AttemptError } from "./item.ts";
import type { PullDue, PullMove } from "./pulled-item.ts";

/** What the holder of a pulled item names it and its claim by. */
export type PullFence = Pick<PullMove, "key" | "revision">;

/** What a move writes beside; what is absent stays. */
export type PullProgress = Pick<PullMove, "body" | "memo">;

const now: PullDue = { kind: "in", ms: 0 };

/** What the calls of a pulled item's holder do to it. */
export const pullMoves = {
  /** It was heard of: no expired lease before counts any more. Only as long as its own has not expired. */
  checkpoint: (fence: PullFence, progress: PullProgress, leaseMs: number | null): PullMove => ({
    ...untouched(fence),
    ...progress,
    phase: "running",
    needsLiveLease: true,
    lost: "reset",
    endsLease: false,
    leaseMs,
  }),
  /** It begins anew at its next due time. */
  complete: (fence: PullFence, progress: PullProgress, due: PullDue): PullMove => ({
    ...untouched(fence),
    ...progress,
    phase: "succeeded",
    due,
    attempts: "reset",
    failures: "reset",
    lost: "reset",
  }),
  fail: (fence: PullFence, progress: PullProgress, error: AttemptError, due: PullDue): PullMove => ({
    ...untouched(fence),
    ...progress,
    phase: "failed",
    due,
    failures: "counted",
    error,
  }),
  /** As if it had not been claimed, and due at once. Only as long as its lease has not expired. */
  release: (fence: PullFence): PullMove => ({
    ...untouched(fence),
    phase: "idle",
    needsLiveLease: true,
    due: now,
    attempts: "undone",
  }),
} as const;

function untouched({ key, revision }: PullFence): PullMove {
  return {
    key,
    revision,
    phase: "idle",
    needsLiveLease: false,
    due: null,
    attempts: "kept",
    failures: "kept",
    lost: "kept",
    error: null,
    endsLease: true,
    leaseMs: null,
  };
}
