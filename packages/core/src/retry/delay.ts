import { isRetryAfter } from "../errors.ts";
import {
  exponential,
  type FailedAttempt,
  longestDelayMs,
  type RetryPolicy,
  type StoredRetry,
} from "./policy.ts";

/**
 * How long after this failure the next attempt is due, in milliseconds; null when there is none to be. An
 * error that asks for a delay of its own overrules the policy. `random` is in [0, 1).
 */
export function retryDelayMs(policy: RetryPolicy, failed: FailedAttempt, random: number): number | null {
  if (failed.attempt >= failed.maxAttempts) return null;
  if (isRetryAfter(failed.error)) return wholeMs(failed.error.delayMs) ?? 0;
  return policy.kind === "custom"
    ? customDelayMs(policy.delay, failed, random)
    : storedDelayMs(policy, failed.attempt, random);
}

function storedDelayMs(policy: StoredRetry, attempt: number, random: number): number | null {
  switch (policy.kind) {
    case "none":
      return null;
    case "fixed":
      return policy.delayMs;
    case "exponential": {
      // Bounded, because an infinite factor would make nothing of a delay of 0.
      const factor = Math.min(policy.factor ** (attempt - 1), Number.MAX_VALUE);
      const delayMs = Math.min(policy.initialDelayMs * factor, policy.maxDelayMs);
      return Math.round(delayMs * (1 + policy.jitter * (2 * random - 1)));
    }
  }
}

/** A user's function may throw or answer nonsense; the item must go on all the same. */
function customDelayMs(
  delay: (failed: FailedAttempt) => number | null,
  failed: FailedAttempt,
  random: number,
): number | null {
  try {
    const delayMs = delay(failed);
    if (delayMs === null) return null;
    const whole = wholeMs(delayMs);
    if (whole !== null) return whole;
  } catch {
    // Falls through to the default policy, which the docstring of `custom` promises.
  }
  return storedDelayMs(exponential(), failed.attempt, random);
}

function wholeMs(delayMs: number): number | null {
  return Number.isFinite(delayMs) && delayMs >= 0 ? Math.round(Math.min(delayMs, longestDelayMs)) : null;
}
