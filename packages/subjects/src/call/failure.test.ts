import { custom, exponential, fixed, NonRetryable, noRetry, RetryAfter, SherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { pool } from "../pool.ts";
import { describeFailure, dueAfterFailure } from "./failure.ts";

const error = new Error("no");

describe("when a subject is due after a failure", () => {
  it.each([
    [0, 30_000],
    [1, 60_000],
    [6, 1_920_000],
    [7, 3_600_000],
    [5_000, 3_600_000],
  ])("by default, after %i failures before: in %i ms, up to a tenth more or less", (before, ms) => {
    const { retry } = pool();
    expect(dueAfterFailure(retry, before, error, 0.5)).toEqual({ kind: "in", ms });
    expect(dueAfterFailure(retry, before, error, 0)).toEqual({ kind: "in", ms: ms * 0.9 });
    expect(dueAfterFailure(retry, before, error, 1)).toEqual({ kind: "in", ms: Math.round(ms * 1.1) });
  });

  it("a policy's maxAttempts does not count: a subject is never finished", () => {
    const policies = [
      fixed({ delayMs: 5, maxAttempts: 1 }),
      exponential({ initialDelayMs: 5, maxAttempts: 1, factor: 1, jitter: 0 }),
    ];
    for (const policy of policies)
      expect(dueAfterFailure(policy, 50, error, 0.5)).toEqual({ kind: "in", ms: 5 });
  });

  it("a policy that answers null parks it", () => {
    expect(dueAfterFailure(noRetry(), 0, error, 0.5)).toEqual({ kind: "never" });
    const policy = custom({ maxAttempts: 1, delay: ({ attempt }) => (attempt > 2 ? null : attempt) });
    const dues = [0, 1, 2].map((before) => dueAfterFailure(policy, before, error, 0.5));
    expect(dues).toEqual([{ kind: "in", ms: 1 }, { kind: "in", ms: 2 }, { kind: "never" }]);
  });

  it("an error that says when overrules the policy", () => {
    expect(dueAfterFailure(fixed({ delayMs: 5, maxAttempts: 1 }), 0, new RetryAfter(77), 0.5)).toEqual({
      kind: "in",
      ms: 77,
    });
  });
});

describe("what is kept of a failure", () => {
  it("whether to retry is what the error says: NonRetryable, SherdError, or nothing", () => {
    expect(describeFailure(new NonRetryable("no"), 5)).toMatchObject({ retryable: false, at: 5 });
    const busy = new SherdError("DATABASE_BUSY", "busy", { waitedMs: 1 });
    expect(describeFailure(busy, 5)).toMatchObject({ retryable: true, code: "DATABASE_BUSY" });
    expect(describeFailure(error, 5)).not.toHaveProperty("retryable");
  });

  it("of what is no error, its message, code and whether to retry, and no stack of ours", () => {
    const described = describeFailure({ message: "no", code: "X", retryable: false }, 5);
    expect(described).toMatchObject({ message: "no", code: "X", retryable: false, at: 5 });
    expect(described).not.toHaveProperty("stack");
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    ["text", "text"],
    [5, "5"],
    [Symbol("s"), "Symbol(s)"],
    [{ code: "X" }, '{"code":"X"}'],
  ])("whatever was thrown is kept: %s", (thrown, message) => {
    expect(describeFailure(thrown, 5).message).toBe(message);
  });
});
