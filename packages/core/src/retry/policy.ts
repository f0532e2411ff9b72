import { invalidOption } from "../options/invalid-option.ts";

export interface ExponentialRetry {
  readonly kind: "exponential";
  readonly initialDelayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Share of each delay that is random: 0.2 spreads it evenly over ±20 %. */
  readonly jitter: number;
  readonly maxAttempts: number;
}

export interface FixedRetry {
  readonly kind: "fixed";
  readonly delayMs: number;
  readonly maxAttempts: number;
}

export interface NoRetry {
  readonly kind: "none";
  readonly maxAttempts: 1;
}

/** What a custom policy decides on. */
export interface FailedAttempt {
  /** 1 for the first one. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly error: unknown;
}

export interface CustomRetry {
  readonly kind: "custom";
  readonly maxAttempts: number;
  /** Milliseconds until the next attempt; null ends the hook as failed. */
  delay(failed: FailedAttempt): number | null;
}

/** A policy that is stored with its item as it stands, so a later deploy does not change it. */
export type StoredRetry = ExponentialRetry | FixedRetry | NoRetry;

export type RetryPolicy = StoredRetry | CustomRetry;

/**
 * Wait `initialDelayMs`, then `factor` times longer each time, at most `maxDelayMs`. As it stands it
 * makes 20 attempts over about eight hours.
 */
export function exponential(options: Partial<Omit<ExponentialRetry, "kind">> = {}): ExponentialRetry {
  return requirePolicy("retry", {
    kind: "exponential",
    initialDelayMs: options.initialDelayMs ?? 1_000,
    factor: options.factor ?? 2,
    maxDelayMs: options.maxDelayMs ?? 3_600_000,
    jitter: options.jitter ?? 0.2,
    maxAttempts: options.maxAttempts ?? 20,
  });
}

/** Wait `delayMs` before every further attempt. */
export function fixed(options: { readonly delayMs: number; readonly maxAttempts: number }): FixedRetry {
  return requirePolicy("retry", {
    kind: "fixed",
    delayMs: options.delayMs,
    maxAttempts: options.maxAttempts,
  });
}

/** One attempt and no other. */
export function noRetry(): NoRetry {
  return { kind: "none", maxAttempts: 1 };
}

/**
 * Let `delay` decide after each failure. The function is the code's that runs the hook at that time; only
 * `maxAttempts` is stored with the item. It must not throw; when it does, the default policy decides.
 */
export function custom(options: Omit<CustomRetry, "kind">): CustomRetry {
  return requirePolicy("retry", { kind: "custom", maxAttempts: options.maxAttempts, delay: options.delay });
}

/** Ten years: what nobody means by a delay, and every database can add to a date. */
export const longestDelayMs = 315_360_000_000;

/** Answer the policy when it is one, also one made by hand; else fail with `INVALID_OPTION`. */
export function requirePolicy<Policy extends RetryPolicy>(option: string, policy: Policy): Policy {
  const known: RetryPolicy = policy;
  switch (known.kind) {
    case "exponential":
      requireNumber(`${option}.initialDelayMs`, known.initialDelayMs, 0);
      requireNumber(`${option}.factor`, known.factor, 1);
      requireNumber(`${option}.maxDelayMs`, known.maxDelayMs, known.initialDelayMs, longestDelayMs);
      requireNumber(`${option}.jitter`, known.jitter, 0, 1);
      break;
    case "fixed":
      requireNumber(`${option}.delayMs`, known.delayMs, 0, longestDelayMs);
      break;
    case "none":
      break;
    case "custom":
      if (typeof known.delay !== "function")
        throw invalidOption(`${option}.delay`, known.delay, "a function");
      break;
    default:
      throw invalidOption(option, known, "made by exponential, fixed, noRetry or custom");
  }
  const { maxAttempts } = known;
  if (Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 1_000_000) return policy;
  throw invalidOption(`${option}.maxAttempts`, maxAttempts, "a whole number from 1 to 1000000");
}

function requireNumber(option: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (Number.isFinite(value) && value >= min && value <= max) return;
  throw invalidOption(option, value, `a number from ${min} to ${max}`);
}
