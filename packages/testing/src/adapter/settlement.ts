import type { AttemptError, ClaimedItem, Settlement } from "@sherd/core";

type Attempt = Pick<ClaimedItem, "id" | "lease" | "revision">;

export function completed(attempt: Attempt): Settlement {
  return settlement(attempt, { state: "done", outcome: "completed" });
}

/** Failed for good. */
export function failed(attempt: Attempt, error = attemptError(1)): Settlement {
  return settlement(attempt, { state: "done", outcome: "failed", failed: true, error });
}

/** Failed, and due again in `delayMs`. */
export function retryIn(attempt: Attempt, delayMs: number, error = attemptError(1)): Settlement {
  return settlement(attempt, { state: "timed", delayMs, failed: true, error });
}

/** Given back without an attempt used. */
export function released(attempt: Attempt): Settlement {
  return settlement(attempt, { state: "ready" });
}

/** Held too long by a handler that may still run. */
export function stuck(attempt: Attempt): Settlement {
  return settlement(attempt, { state: "ready", lost: true });
}

export function parked(attempt: Attempt): Settlement {
  return settlement(attempt, { state: "parked", gate: "signal" });
}

export function attemptError(attempt: number, message = `attempt ${attempt} failed`): AttemptError {
  return { at: Date.now(), attempt, name: "Error", message };
}

function settlement({ id, lease, revision }: Attempt, end: Partial<Settlement>): Settlement {
  return {
    id,
    lease,
    revision,
    state: "ready",
    outcome: null,
    delayMs: null,
    gate: null,
    failed: false,
    lost: false,
    error: null,
    ...end,
  };
}
