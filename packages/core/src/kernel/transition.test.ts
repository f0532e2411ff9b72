import fc from "fast-check";
import { expect, test } from "vitest";
import { NonRetryable, RetryAfter } from "../errors.ts";
import { custom, exponential, fixed, noRetry } from "../retry/policy.ts";
import type { ClaimedItem, Settlement } from "./item.ts";
import {
  type AttemptEnd,
  attemptOf,
  describeError,
  endAttempt,
  type TransitionContext,
} from "./transition.ts";

const refused = new Error("refused");
const retry = fixed({ delayMs: 5_000, maxAttempts: 5 });
const atOnce = fixed({ delayMs: 0, maxAttempts: 5 });

function claimed(over: Partial<ClaimedItem> = {}): ClaimedItem {
  return {
    id: "item-1",
    lease: "lease-1",
    name: "deliver",
    revision: 3,
    failures: 0,
    lost: 0,
    maxAttempts: 5,
    concurrencyKey: null,
    retry: "none",
    timeoutMs: null,
    body: "null",
    trace: null,
    createdAt: 0,
    ...over,
  };
}

function context(over: Partial<TransitionContext> = {}): TransitionContext {
  return { policy: () => retry, maxLost: 3, now: 1_234, random: 0.5, ...over };
}

const back: Settlement = {
  id: "item-1",
  lease: "lease-1",
  revision: 3,
  state: "ready",
  outcome: null,
  delayMs: null,
  gate: null,
  failed: false,
  lost: false,
  error: null,
};
const completed = { ...back, state: "done", outcome: "completed" } as const;
const recorded = expect.objectContaining({ at: 1_234 }) as never;
const retried = { ...back, state: "timed", delayMs: 5_000, failed: true, error: recorded } as const;
const retriedNow = { ...back, failed: true, error: recorded };
const failedForGood = { ...back, state: "done", outcome: "failed", failed: true, error: recorded } as const;
const lost = { ...back, lost: true, error: recorded };
const lostForGood = { ...lost, state: "done", outcome: "failed" } as const;

const first = claimed();
const lastByFailures = claimed({ failures: 4 });
const lastByBoth = claimed({ failures: 2, lost: 2 });
const lastLoss = claimed({ lost: 2 });
const onlyAttempt = claimed({ maxAttempts: 1 });

const failing = (error: unknown): AttemptEnd => ({ kind: "failed", error });
const stuck: AttemptEnd = { kind: "stuck", error: refused };

test.each<[string, ClaimedItem, AttemptEnd, Partial<TransitionContext>, Settlement]>([
  ["completed, attempts left", first, { kind: "completed" }, {}, completed],
  ["completed, last attempt", lastByFailures, { kind: "completed" }, {}, completed],
  ["interrupted, attempts left", first, { kind: "interrupted" }, {}, back],
  ["interrupted, last attempt", lastByFailures, { kind: "interrupted" }, {}, back],
  ["interrupted, last loss", lastLoss, { kind: "interrupted" }, {}, back],
  ["failed, attempts left", first, failing(refused), {}, retried],
  ["failed, last attempt", lastByFailures, failing(refused), {}, failedForGood],
  ["failed, last attempt by failures and losses", lastByBoth, failing(refused), {}, failedForGood],
  ["failed, only attempt", onlyAttempt, failing(refused), {}, failedForGood],
  ["failed, delay 0", first, failing(refused), { policy: () => atOnce }, retriedNow],
  ["failed, noRetry", first, failing(refused), { policy: () => noRetry() }, failedForGood],
  ["failed with NonRetryable", first, failing(new NonRetryable("no")), {}, failedForGood],
  ["failed with NonRetryable, last", lastByFailures, failing(new NonRetryable("no")), {}, failedForGood],
  ["failed with RetryAfter", first, failing(new RetryAfter(70)), {}, { ...retried, delayMs: 70 }],
  ["failed with RetryAfter(0)", first, failing(new RetryAfter(0)), {}, retriedNow],
  ["failed with RetryAfter, last", lastByFailures, failing(new RetryAfter(70)), {}, failedForGood],
  ["failed, custom ends it", first, failing(refused), { policy: () => ending() }, failedForGood],
  ["stuck, losses left", first, stuck, {}, lost],
  ["stuck, last loss", lastLoss, stuck, {}, lostForGood],
  ["stuck, last attempt", lastByFailures, stuck, {}, lostForGood],
  ["stuck, one loss allowed", first, stuck, { maxLost: 1 }, lostForGood],
])("%s", (_case, item, end, over, settlement) => {
  expect(endAttempt(item, end, context(over))).toEqual(settlement);
});

function ending() {
  return custom({ maxAttempts: 5, delay: () => null });
}

test("an attempt's number counts failures and losses alike", () => {
  expect(attemptOf({ failures: 0, lost: 0 })).toBe(1);
  expect(attemptOf({ failures: 2, lost: 3 })).toBe(6);
});

test("the record of a failure says which attempt it was, and what it threw", () => {
  const item = claimed({ failures: 1, lost: 1 });
  const record = { at: 1_234, attempt: 3, name: "Error", message: "refused" };
  expect(endAttempt(item, failing(refused), context()).error).toMatchObject(record);
  expect(endAttempt(item, stuck, context()).error).toMatchObject(record);
});

test("no sequence of ends makes more attempts or losses than an item may have", () => {
  const ends = fc.constantFrom<AttemptEnd>(
    { kind: "interrupted" },
    failing(refused),
    failing(new RetryAfter(0)),
    failing(new RetryAfter(9)),
    stuck,
  );
  const policies = fc.constantFrom(exponential(), retry, atOnce, custom({ maxAttempts: 5, delay: () => 1 }));
  const sequences = fc.record({
    ends: fc.array(ends, { minLength: 1, maxLength: 40 }),
    policy: policies,
    maxAttempts: fc.integer({ min: 1, max: 8 }),
    maxLost: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(sequences, (sequence) => {
      const { maxAttempts, maxLost, policy } = sequence;
      let item = claimed({ maxAttempts });
      let isDone = false;
      for (const end of sequence.ends) {
        if (isDone) break;
        expect(attemptOf(item)).toBeLessThanOrEqual(maxAttempts);
        expect(item.lost).toBeLessThan(maxLost);
        const settlement = endAttempt(item, end, context({ policy: () => policy, maxLost }));
        isDone = settlement.state === "done";
        const failures = item.failures + Number(settlement.failed);
        item = { ...item, failures, lost: item.lost + Number(settlement.lost) };
        const isUsedUp = attemptOf(item) > maxAttempts || item.lost >= maxLost;
        expect(isDone).toBe(isUsedUp);
      }
    }),
  );
});

test("an error is recorded with its name, message, code and stack", () => {
  class Rejected extends Error {
    override readonly name = "Rejected";
    readonly code = "E_REJECTED";
  }
  const error = new Rejected("no");
  const { stack } = error;
  const record = { at: 9, attempt: 2, name: "Rejected", message: "no", code: "E_REJECTED", stack };
  expect(describeError(error, 2, 9)).toEqual(record);
});

test("a code that is no text, and a stack that is not there, are left out", () => {
  const error = Object.assign(new Error("no"), { code: 23_505 });
  delete error.stack;
  expect(describeError(error, 1, 0)).toEqual({ at: 0, attempt: 1, name: "Error", message: "no" });
});

const circular: Record<string, unknown> = {};
circular["self"] = circular;

test.each<[string, unknown, string]>([
  ["a text", "no", "no"],
  ["a number", 404, "404"],
  ["null", null, "null"],
  ["undefined", undefined, "undefined"],
  ["a symbol", Symbol("no"), "Symbol(no)"],
  ["an object", { status: 404 }, `{"status":404}`],
  ["an object that JSON leaves out", { toJSON: () => undefined }, "[object Object]"],
  ["a cycle", circular, "a value that cannot be shown was thrown"],
  ["a bigint", 5n, "a value that cannot be shown was thrown"],
])("%s that was thrown is recorded", (_what, thrown, message) => {
  expect(describeError(thrown, 1, 0)).toEqual({ at: 0, attempt: 1, name: "Error", message });
});

test("what is recorded is bounded", () => {
  const error = Object.assign(new Error("m".repeat(5_000)), { code: "c".repeat(300), name: "n".repeat(300) });
  error.stack = "s".repeat(9_000);
  const { name, message, code, stack } = describeError(error, 1, 0);
  expect([name.length, message.length, code?.length, stack?.length]).toEqual([200, 4_000, 200, 8_000]);
  expect(describeError("t".repeat(5_000), 1, 0).message).toHaveLength(4_000);
});

test("what is recorded holds nothing that a database's JSON refuses", () => {
  const record = describeError(new Error("a\0b \ud83d"), 1, 0);
  expect(record.message).toBe("ab \ufffd");
  expect(describeError("x".repeat(3_999) + "\u{1f600}", 1, 0).message.isWellFormed()).toBe(true);
});

test("an error whose fields are no texts is recorded", () => {
  const error = Object.assign(new Error("no"), { name: 5, message: undefined });
  expect(describeError(error, 1, 0)).toMatchObject({ name: "5", message: "undefined" });
});

test("whatever is thrown is recorded", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true }), (thrown) => {
      const { name, message } = describeError(thrown, 1, 0);
      expect(name).toBe("Error");
      expect(message.isWellFormed()).toBe(true);
      expect(message).not.toContain("\0");
    }),
  );
});

test("an error that cannot be read is recorded all the same", () => {
  const unreadable = Object.defineProperty(new Error(), "message", {
    get() {
      throw new Error("broken getter");
    },
  });
  expect(endAttempt(first, failing(unreadable), context())).toEqual(retried);
  const unprintable = Object.assign(new Error(), { message: Object.create(null) as string });
  expect(endAttempt(first, failing(unprintable), context())).toEqual(retried);
});
