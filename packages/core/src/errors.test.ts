import { expect, test, vi } from "vitest";
import {
  isNonRetryable,
  isRetryAfter,
  isSherdError,
  NonRetryable,
  RetryAfter,
  SherdError,
} from "./errors.ts";

const lost = new SherdError("LEASE_LOST", "Hook 1 lost its lease.", { id: "1" });

/** The same module loaded a second time, as an application has it that installed two versions. */
async function secondCopy(): Promise<typeof import("./errors.ts")> {
  vi.resetModules();
  return import("./errors.ts");
}

test("an error carries its code, its details and its cause", () => {
  const cause = new Error("connection refused");
  const error = new SherdError("DATABASE_UNAVAILABLE", "Cannot claim.", { verb: "claim" }, { cause });
  expect(error).toMatchObject({
    name: "SherdError",
    code: "DATABASE_UNAVAILABLE",
    message: "Cannot claim.",
    details: { verb: "claim" },
    cause,
  });
  expect(error).toBeInstanceOf(Error);
  expect("cause" in lost).toBe(false);
});

test("only an error that may pass by itself is retryable", () => {
  const busy = new SherdError("DATABASE_BUSY", "Busy.", { waitedMs: 5_000 });
  const down = new SherdError("DATABASE_UNAVAILABLE", "Down.", { verb: "settle" });
  expect([busy.retryable, down.retryable, lost.retryable]).toEqual([true, true, false]);
});

test("isSherdError tells a code from the others", () => {
  expect(isSherdError(lost)).toBe(true);
  expect(isSherdError(lost, "LEASE_LOST")).toBe(true);
  expect(isSherdError(lost, "CANCELLED")).toBe(false);
});

test.each([undefined, null, "LEASE_LOST", 1, {}, new Error("LEASE_LOST"), { code: "LEASE_LOST" }, () => {}])(
  "isSherdError is false for %o",
  (value) => {
    expect(isSherdError(value)).toBe(false);
    expect(isSherdError(value, "LEASE_LOST")).toBe(false);
  },
);

test("an error of another copy of the package is recognised", async () => {
  const copy = await secondCopy();
  const error = new copy.SherdError("LEASE_LOST", "Lost.", { id: "1" });
  expect(error).not.toBeInstanceOf(SherdError);
  expect(isSherdError(error, "LEASE_LOST")).toBe(true);
  expect(isNonRetryable(new copy.NonRetryable("no"))).toBe(true);
  expect(isRetryAfter(new copy.RetryAfter(5))).toBe(true);
});

test("NonRetryable and RetryAfter are told apart, from each other and from any other error", () => {
  const errors = [new NonRetryable("no"), new RetryAfter(5), new Error("no"), "no", null];
  expect(errors.map(isNonRetryable)).toEqual([true, false, false, false, false]);
  expect(errors.map(isRetryAfter)).toEqual([false, true, false, false, false]);
});

test("an error that extends NonRetryable or RetryAfter means the same", () => {
  class Rejected extends NonRetryable {
    override readonly name = "Rejected";
  }
  class Throttled extends RetryAfter {
    override readonly name = "Throttled";
  }
  expect(isNonRetryable(new Rejected("no"))).toBe(true);
  expect(isRetryAfter(new Throttled(5))).toBe(true);
});

test("RetryAfter carries its delay, and says it where no message does", () => {
  const cause = new Error("429");
  expect(new RetryAfter(1_500)).toMatchObject({ delayMs: 1_500, message: "retry after 1500 ms" });
  expect(new RetryAfter(1_500, "throttled", { cause })).toMatchObject({ message: "throttled", cause });
  expect(new NonRetryable("gone", { cause })).toMatchObject({ name: "NonRetryable", message: "gone", cause });
});
