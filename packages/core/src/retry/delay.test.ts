import fc from "fast-check";
import { expect, test } from "vitest";
import { NonRetryable, RetryAfter } from "../errors.ts";
import { retryDelayMs } from "./delay.ts";
import {
  custom,
  exponential,
  type FailedAttempt,
  fixed,
  longestDelayMs,
  noRetry,
  type RetryPolicy,
} from "./policy.ts";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const policies: readonly RetryPolicy[] = [
  exponential(),
  fixed({ delayMs: 5_000, maxAttempts: 20 }),
  noRetry(),
  custom({ maxAttempts: 20, delay: () => 5_000 }),
];

function failed(attempt: number, over: Partial<FailedAttempt> = {}): FailedAttempt {
  return { attempt, maxAttempts: 20, error: new Error("refused"), ...over };
}

test("the default policy survives an outage of three hours, whatever chance says", () => {
  const policy = exponential();
  const chances = fc.array(chance, { minLength: policy.maxAttempts, maxLength: policy.maxAttempts });
  fc.assert(
    fc.property(chances, (randoms) => {
      let survivedMs = 0;
      for (let attempt = 1; attempt < policy.maxAttempts; attempt++) {
        survivedMs += retryDelayMs(policy, failed(attempt), randoms[attempt] ?? 0) ?? 0;
      }
      expect(survivedMs).toBeGreaterThanOrEqual(3 * 3_600_000);
    }),
    { examples: [[Array.from({ length: policy.maxAttempts }, () => 0)]] },
  );
});

test("an exponential delay grows by its factor up to its maximum", () => {
  const policy = exponential({ initialDelayMs: 100, factor: 3, maxDelayMs: 1_000, jitter: 0 });
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelayMs(policy, failed(attempt), 0.9))).toEqual([
    100, 300, 900, 1_000, 1_000,
  ]);
});

test("jitter spreads a delay evenly around its middle", () => {
  const policy = exponential({ initialDelayMs: 1_000, jitter: 0.2 });
  expect([0, 0.25, 0.5, 0.75].map((random) => retryDelayMs(policy, failed(1), random))).toEqual([
    800, 900, 1_000, 1_100,
  ]);
});

test("jitter never leaves its share of the delay, for any policy, attempt and chance", () => {
  const cases = fc.record({
    initialDelayMs: fc.integer({ min: 1, max: 1_000_000 }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    moreMs: fc.integer({ min: 0, max: 1_000_000_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    attempt: fc.integer({ min: 1, max: 2_000 }),
    random: chance,
  });
  fc.assert(
    fc.property(cases, ({ initialDelayMs, factor, moreMs, jitter, attempt, random }) => {
      const maxDelayMs = initialDelayMs + moreMs;
      const policy = exponential({ initialDelayMs, factor, maxDelayMs, jitter, maxAttempts: 3_000 });
      const delayMs = retryDelayMs(policy, failed(attempt, { maxAttempts: 3_000 }), random) ?? NaN;
      const middleMs = Math.min(initialDelayMs * factor ** (attempt - 1), maxDelayMs);
      expect(Number.isInteger(delayMs)).toBe(true);
      expect(delayMs).toBeGreaterThanOrEqual(Math.floor(middleMs * (1 - jitter)));
      expect(delayMs).toBeLessThanOrEqual(Math.ceil(middleMs * (1 + jitter)));
    }),
  );
});

test("a policy that begins without a delay has none after a thousand attempts either", () => {
  const policy = exponential({ initialDelayMs: 0, maxAttempts: 2_000 });
  expect(retryDelayMs(policy, failed(1_500, { maxAttempts: 2_000 }), 0.5)).toBe(0);
});

test("a fixed delay stays as it is, whatever chance says", () => {
  const policy = fixed({ delayMs: 250, maxAttempts: 20 });
  expect(retryDelayMs(policy, failed(1), 0)).toBe(250);
  expect(retryDelayMs(policy, failed(19), 0.99)).toBe(250);
});

test("noRetry has no next attempt, although its item would have some left", () => {
  expect(retryDelayMs(noRetry(), failed(1), 0.5)).toBe(null);
});

test.each(policies)("no policy goes beyond the item's attempts: $kind", (policy) => {
  expect(retryDelayMs(policy, failed(20), 0.5)).toBe(null);
  expect(retryDelayMs(policy, failed(21), 0.5)).toBe(null);
  expect(retryDelayMs(policy, failed(20, { error: new RetryAfter(5) }), 0.5)).toBe(null);
});

test.each(policies)("RetryAfter overrules the policy: $kind", (policy) => {
  expect(retryDelayMs(policy, failed(1, { error: new RetryAfter(1_234) }), 0.5)).toBe(1_234);
});

test.each([
  [1.4, 1],
  [0, 0],
  [-1, 0],
  [NaN, 0],
  [Infinity, 0],
])("RetryAfter(%o) is due in %o ms", (asked, delayMs) => {
  expect(retryDelayMs(exponential(), failed(1, { error: new RetryAfter(asked) }), 0.5)).toBe(delayMs);
});

test("a custom policy decides on what failed", () => {
  const seen: FailedAttempt[] = [];
  const policy = custom({
    maxAttempts: 20,
    delay: (each) => {
      seen.push(each);
      return each.error instanceof NonRetryable ? null : each.attempt * 10.4;
    },
  });
  const first = failed(1);
  const second = failed(2, { error: new NonRetryable("no") });
  expect(retryDelayMs(policy, first, 0.5)).toBe(10);
  expect(retryDelayMs(policy, second, 0.5)).toBe(null);
  expect(seen).toEqual([first, second]);
});

test.each<[string, () => number | null]>([
  ["NaN", () => NaN],
  ["Infinity", () => Infinity],
  ["a negative delay", () => -1],
  ["undefined", () => undefined as never],
  ["a text", () => "1000" as never],
  ["a promise", () => Promise.resolve(5) as never],
  [
    "an error",
    () => {
      throw new Error("broken");
    },
  ],
])("the default policy decides when a custom one answers %s", (_answer, delay) => {
  const policy = custom({ maxAttempts: 20, delay });
  expect(retryDelayMs(policy, failed(3), 0.5)).toBe(4_000);
  expect(retryDelayMs(policy, failed(3), 0)).toBe(retryDelayMs(exponential(), failed(3), 0));
});

test("a delay that nobody can mean is cut to ten years, which every database can add to a date", () => {
  const failed = { attempt: 1, maxAttempts: 5, error: new RetryAfter(1e300) };
  expect(retryDelayMs(fixed({ delayMs: 5, maxAttempts: 5 }), failed, 0)).toBe(longestDelayMs);
});
