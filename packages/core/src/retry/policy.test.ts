import { expect, test } from "vitest";
import { custom, exponential, fixed, noRetry } from "./policy.ts";

const refusal = (option: string, received: unknown) =>
  expect.objectContaining({ code: "INVALID_OPTION", details: { option, received } });

test("the default is 20 attempts, from a second to an hour apart", () => {
  expect(exponential()).toEqual({
    kind: "exponential",
    initialDelayMs: 1_000,
    factor: 2,
    maxDelayMs: 3_600_000,
    jitter: 0.2,
    maxAttempts: 20,
  });
});

test("every part of an exponential policy can be set, at its ends", () => {
  const least = { initialDelayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0, maxAttempts: 1 };
  const most = { initialDelayMs: 5, factor: 9.5, maxDelayMs: 5, jitter: 1, maxAttempts: 1_000_000 };
  expect(exponential(least)).toEqual({ kind: "exponential", ...least });
  expect(exponential(most)).toEqual({ kind: "exponential", ...most });
});

test.each([
  ["initialDelayMs", -1],
  ["initialDelayMs", NaN],
  ["initialDelayMs", Infinity],
  ["initialDelayMs", "1000" as never],
  ["factor", 0.99],
  ["factor", Infinity],
  ["maxDelayMs", 999],
  ["maxDelayMs", 2 ** 54],
  ["jitter", -0.1],
  ["jitter", 1.1],
  ["maxAttempts", 0],
  ["maxAttempts", 1.5],
  ["maxAttempts", 1_000_001],
])("exponential refuses %s %o", (option, value) => {
  expect(() => exponential({ [option]: value })).toThrow(refusal(`retry.${option}`, value));
});

test("fixed waits the same each time", () => {
  expect(fixed({ delayMs: 0, maxAttempts: 3 })).toEqual({ kind: "fixed", delayMs: 0, maxAttempts: 3 });
});

test("fixed refuses a delay below 0 and no attempts", () => {
  expect(() => fixed({ delayMs: -1, maxAttempts: 3 })).toThrow(refusal("retry.delayMs", -1));
  expect(() => fixed({ delayMs: 1, maxAttempts: 0 })).toThrow(refusal("retry.maxAttempts", 0));
});

test("noRetry is one attempt", () => {
  expect(noRetry()).toEqual({ kind: "none", maxAttempts: 1 });
});

test("custom keeps the user's function, and refuses no attempts", () => {
  const delay = () => 5;
  expect(custom({ maxAttempts: 4, delay })).toEqual({ kind: "custom", maxAttempts: 4, delay });
  expect(() => custom({ maxAttempts: NaN, delay })).toThrow(refusal("retry.maxAttempts", NaN));
});
