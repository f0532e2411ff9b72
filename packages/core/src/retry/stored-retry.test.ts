import fc from "fast-check";
import { expect, test } from "vitest";
import { custom, exponential, fixed, longestDelayMs, noRetry, type StoredRetry } from "./policy.ts";
import { formatRetry, parseRetry } from "./stored-retry.ts";

const maxAttempts = fc.integer({ min: 1, max: 1_000_000 });
const delayMs = fc.oneof(
  fc.integer({ min: 0, max: longestDelayMs }),
  fc.double({ min: 0, max: 1e9, noNaN: true }),
);

const policy: fc.Arbitrary<StoredRetry> = fc.oneof(
  fc.constant(noRetry()),
  fc.record({ delayMs, maxAttempts }).map(fixed),
  fc
    .record({
      initialDelayMs: delayMs,
      factor: fc.double({ min: 1, max: 1e12, noNaN: true }),
      maxDelayMs: fc.constant(longestDelayMs),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      maxAttempts,
    })
    .map(exponential),
);

test("every policy that can be stored reads back as it was", () => {
  fc.assert(
    fc.property(policy, (stored) => {
      expect(parseRetry(formatRetry(stored), stored.maxAttempts)).toEqual(stored);
    }),
  );
});

test("the texts are those that rows of released versions hold", () => {
  expect(formatRetry(exponential())).toBe("exponential(1000,2,3600000,0.2)");
  expect(formatRetry(fixed({ delayMs: 250, maxAttempts: 3 }))).toBe("fixed(250)");
  expect(formatRetry(noRetry())).toBe("none");
  expect(formatRetry(custom({ maxAttempts: 3, delay: () => 5 }))).toBe("custom");
});

test("the attempts are the row's, but noRetry has one whatever it says", () => {
  expect(parseRetry("fixed(250)", 7)).toEqual({ kind: "fixed", delayMs: 250, maxAttempts: 7 });
  expect(parseRetry("none", 7)).toEqual({ kind: "none", maxAttempts: 1 });
});

test.each([
  "custom",
  "",
  "decorrelated(5,10)",
  "fixed",
  "fixed(soon)",
  "fixed(250",
  "fixed(250) or so",
  "exponential(1000)",
  "exponential(1000,2)",
  "exponential(1000,2,3600000)",
  "exponential(1000,2,3600000,full)",
  "exponential(1000,golden,3600000,0.2)",
  "exponential(Infinity,2,3600000,0.2)",
])("a text of newer code reads as null: %o", (text) => {
  expect(parseRetry(text, 20)).toBe(null);
});
