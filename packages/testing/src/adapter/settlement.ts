import { type AttemptError, type ClaimedItem, released, type Settlement } from "@sherd/core";

export { released };

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

function settlement(attempt: Attempt, end: Partial<Settlement>): Settlement {
  return { ...released(attempt), ...end };
}
