import type { RetryPolicy, StoredRetry } from "./policy.ts";

/** A policy as its item's row holds it: `exponential(1000,2,3600000,0.2)`. The attempts have a column. */
export function formatRetry(policy: RetryPolicy): string {
  switch (policy.kind) {
    case "exponential":
      return `exponential(${policy.initialDelayMs},${policy.factor},${policy.maxDelayMs},${policy.jitter})`;
    case "fixed":
      return `fixed(${policy.delayMs})`;
    case "none":
    case "custom":
      return policy.kind;
  }
}

/** Read what `formatRetry` wrote; null for `custom`, whose function the code has, and for a text of newer code. */
export function parseRetry(text: string, maxAttempts: number): StoredRetry | null {
  if (text === "none") return { kind: "none", maxAttempts: 1 };
  const [, kind, list = ""] = /^(exponential|fixed)\(([^)]*)\)$/.exec(text) ?? [];
  const numbers = list.split(",").map((text) => (text === "" ? NaN : Number(text)));
  const [first = NaN, factor = NaN, maxDelayMs = NaN, jitter = NaN] = numbers;
  if (!numbers.every(Number.isFinite)) return null;
  if (kind === "fixed" && numbers.length === 1) return { kind: "fixed", delayMs: first, maxAttempts };
  if (kind === "exponential" && numbers.length === 4) {
    return { kind: "exponential", initialDelayMs: first, factor, maxDelayMs, jitter, maxAttempts };
  }
  return null;
}
