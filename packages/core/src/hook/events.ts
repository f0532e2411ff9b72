interface AboutHook {
  readonly namespace: string;
  readonly id: string;
  /** The hook's name. */
  readonly name: string;
}

interface AboutAttempt extends AboutHook {
  /** 1 for the first. */
  readonly attempt: number;
}

/** What happens to hooks, for logs, metrics and traces. */
export type HookEvent =
  /** A trigger met a hook that had its key. `id` is the trigger's, `existingId` the hook's that stays. */
  | ({ readonly type: "ignored" | "replaced"; readonly existingId: string } & AboutHook)
  | ({ readonly type: "claimed" } & AboutAttempt)
  | ({ readonly type: "completed"; readonly durationMs: number } & AboutAttempt)
  /** `retryInMs` is null when it was the last attempt: the hook stays `failed` until someone retries or prunes it. */
  | ({
      readonly type: "failed";
      readonly error: unknown;
      readonly retryInMs: number | null;
      readonly durationMs: number;
    } & AboutAttempt)
  /** A lease expired, or an attempt was stuck. `lost` counts how often so far; `end` is what became of the hook. */
  | ({
      readonly type: "lost";
      readonly owner: string;
      readonly lost: number;
      readonly end: "ready" | "failed" | "cancelled";
    } & AboutHook)
  /** Shutdown or eviction, or no slot came free for it in time: the hook waits again, no attempt was used up. */
  | ({ readonly type: "given-back" } & AboutAttempt)
  | ({ readonly type: "cancelled" } & AboutAttempt)
  /** The attempt ended after its lease was gone, so its result changed nothing (`LEASE_LOST`). */
  | ({ readonly type: "fenced"; readonly error: unknown } & AboutAttempt);

/** One hook whose lease expired or whose attempt was stuck. */
export interface StuckHook {
  readonly id: string;
  readonly name: string;
  /** The process that held it. */
  readonly owner: string;
  readonly lost: number;
  readonly end: "ready" | "failed" | "cancelled";
}

export interface StuckProcessingHooks {
  readonly namespace: string;
  /** Null when attempts may take for ever and only a dead worker loses them. */
  readonly timeoutMinutes: number | null;
  readonly events: readonly StuckHook[];
}

/** What Sherd was doing for a fragment when an error came that no caller will see. */
export interface ErrorContext {
  readonly namespace: string;
  /** `completed-hook`: a handler threw after its `ctx.transaction` had committed, so the hook has completed. */
  readonly during: "claim" | "settle" | "heartbeat" | "prune" | "callback" | "completed-hook";
}
