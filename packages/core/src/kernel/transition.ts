import type { RetryPolicy } from "../retry/policy.ts";
import { retryDelayMs } from "../retry/delay.ts";
import { isNonRetryable } from "../errors.ts";
import type { AttemptError, ClaimedItem, Settlement } from "./item.ts";

/** How an attempt ended, as its processor saw it. */
export type AttemptEnd =
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly error: unknown }
  /** Shut down before or while it ran, or never begun: given back, not used up. */
  | { readonly kind: "interrupted" }
  /** It held its item longer than any attempt may. */
  | { readonly kind: "stuck"; readonly error: unknown };

/** What decides beside the item and the end of its attempt. */
export interface TransitionContext {
  /** Asked for only when the attempt failed. */
  readonly policy: () => RetryPolicy;
  readonly maxLost: number;
  /** Milliseconds since the epoch, for the record only. */
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

/** What a transition reads of the item whose attempt ended. */
export type AttemptedItem = Pick<
  ClaimedItem,
  "id" | "lease" | "revision" | "failures" | "lost" | "maxAttempts"
>;

/** The attempt that a claimed item is in, 1 for the first: failures and losses both used one up. */
export function attemptOf({ failures, lost }: Pick<ClaimedItem, "failures" | "lost">): number {
  return failures + lost + 1;
}

/** Decide what the end of an attempt makes of its item. */
export function endAttempt(item: AttemptedItem, end: AttemptEnd, context: TransitionContext): Settlement {
  const unchanged = released(item);
  switch (end.kind) {
    case "completed":
      return { ...unchanged, state: "done", outcome: "completed" };
    case "interrupted":
      return unchanged;
    case "failed":
      return failAttempt(item, end.error, context);
    case "stuck":
      return loseAttempt(item, end.error, context);
  }
}

function failAttempt(
  item: AttemptedItem,
  error: unknown,
  { policy, now, random }: TransitionContext,
): Settlement {
  const attempt = attemptOf(item);
  const ended = { ...released(item), failed: true, error: describeError(error, attempt, now) };
  const delayMs = isNonRetryable(error)
    ? null
    : retryDelayMs(policy(), { attempt, maxAttempts: item.maxAttempts, error }, random);
  if (delayMs === null) return { ...ended, state: "done", outcome: "failed" };
  return delayMs === 0 ? ended : { ...ended, state: "timed", delayMs };
}

function loseAttempt(item: AttemptedItem, error: unknown, { maxLost, now }: TransitionContext): Settlement {
  const attempt = attemptOf(item);
  const ended = { ...released(item), lost: true, error: describeError(error, attempt, now) };
  const isLast = item.lost + 1 >= maxLost || attempt >= item.maxAttempts;
  return isLast ? { ...ended, state: "done", outcome: "failed" } : ended;
}

/** Back to ready, with nothing used up: what every transition starts from, and what gives back what was not begun. */
export function released({
  id,
  lease,
  revision,
}: Pick<ClaimedItem, "id" | "lease" | "revision">): Settlement {
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
  };
}

/** An error as it is stored: whatever was thrown, bounded, and free of what a database's JSON refuses. */
export function describeError(error: unknown, attempt: number, at: number): AttemptError {
  try {
    return isErrorLike(error)
      ? { at, attempt, ...describeErrorLike(error) }
      : { at, attempt, name: "Error", message: clean(thrownText(error), 4_000) };
  } catch {
    return { at, attempt, name: "Error", message: "a value that cannot be shown was thrown" };
  }
}

/** Also an error of another realm, which is no instance of this one's `Error`. */
function isErrorLike(error: unknown): error is Error {
  return error instanceof Error || Object.prototype.toString.call(error) === "[object Error]";
}

function describeErrorLike(error: Error): Omit<AttemptError, "at" | "attempt"> {
  const { code } = error as { readonly code?: unknown };
  return {
    name: clean(error.name, 200),
    message: clean(error.message, 4_000),
    ...(typeof code === "string" ? { code: clean(code, 200) } : {}),
    ...(error.stack === undefined ? {} : { stack: clean(error.stack, 8_000) }),
  };
}

function thrownText(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown));
}

function clean(text: string, maxLength: number): string {
  return String(text).slice(0, maxLength).replaceAll("\0", "").toWellFormed();
}
