import {
  type AttemptError,
  describeError,
  isNonRetryable,
  isSherdError,
  type PullDue,
  retryDelayMs,
  type RetryPolicy,
} from "@sherd/core";
import type { SubjectFailure } from "./requests.ts";

/** A failure as it is kept, whatever was thrown; `at` is for the record only. */
export function describeFailure(failure: unknown, at: number): AttemptError {
  if (!isPlain(failure)) {
    const described = describeError(failure, 0, at);
    if (isNonRetryable(failure)) return { ...described, retryable: false };
    return isSherdError(failure) ? { ...described, retryable: failure.retryable } : described;
  }
  const { message, code, retryable } = failure;
  const { stack: _, ...described } = describeError(Object.assign(new Error(message), { code }), 0, at);
  return retryable === undefined ? described : { ...described, retryable };
}

function isPlain(failure: unknown): failure is SubjectFailure {
  if (typeof failure !== "object" || failure === null || failure instanceof Error) return false;
  return "message" in failure && typeof failure.message === "string";
}

/** When a subject that failed so often before is due again, if nobody else says. `random` is in [0, 1). */
export function dueAfterFailure(
  retry: RetryPolicy,
  failuresBefore: number,
  error: unknown,
  random: number,
): PullDue {
  const failed = { attempt: failuresBefore + 1, maxAttempts: Infinity, error };
  const ms = retryDelayMs(retry, failed, random);
  return ms === null ? { kind: "never" } : { kind: "in", ms };
}
