import { expect, test } from "vitest";
import { ManualClock } from "../clock/manual-clock.test-support.ts";
import { systemClock } from "../clock/clock.ts";
import { exponential, noRetry } from "../retry/policy.ts";
import { type DurableHooksOptions, hookSettings } from "./options.ts";

const dayMs = 86_400_000;

test("every option has a default", () => {
  const defaults = {
    concurrency: 100,
    leaseMs: 60_000,
    stuckAfterMs: 600_000,
    onStuckProcessingHooks: null,
    maxLost: 3,
    retry: exponential(),
    maxPayloadBytes: 262_144,
    retention: { completed: 3 * dayMs, cancelled: 3 * dayMs, failed: 90 * dayMs },
    onEvent: null,
    owner: null,
    clock: systemClock,
    random: Math.random,
  };
  expect(hookSettings()).toEqual(defaults);
  expect(hookSettings({})).toEqual(defaults);
  expect(hookSettings({ retention: {} })).toEqual(defaults);
});

test("every option can be set", () => {
  const given = {
    onStuckProcessingHooks: () => {},
    retry: noRetry(),
    onEvent: () => {},
    owner: "worker-1",
    clock: new ManualClock(),
    random: () => 0.5,
  };
  const options: DurableHooksOptions = {
    ...given,
    concurrency: 1,
    leaseMs: 100,
    stuckProcessingTimeoutMinutes: 0.5,
    maxLost: 1,
    maxPayloadBytes: 2,
    retention: { completedMs: 0, cancelledMs: null, failedMs: 5 },
  };
  expect(hookSettings(options)).toEqual({
    ...given,
    concurrency: 1,
    leaseMs: 100,
    stuckAfterMs: 30_000,
    maxLost: 1,
    maxPayloadBytes: 2,
    retention: { completed: 0, cancelled: null, failed: 5 },
  });
});

test("an attempt that may never be stuck has no time after which it is", () => {
  expect(hookSettings({ stuckProcessingTimeoutMinutes: false }).stuckAfterMs).toBe(null);
});

test.each<[string, unknown]>([
  ["concurrency", 0],
  ["concurrency", 10_001],
  ["concurrency", 1.5],
  ["leaseMs", 99],
  ["leaseMs", dayMs + 1],
  ["maxLost", 0],
  ["maxLost", "3"],
  ["maxPayloadBytes", 1],
  ["stuckProcessingTimeoutMinutes", 0],
  ["stuckProcessingTimeoutMinutes", -1],
  ["stuckProcessingTimeoutMinutes", NaN],
  ["stuckProcessingTimeoutMinutes", Infinity],
  ["stuckProcessingTimeoutMinutes", true],
  ["stuckProcessingTimeoutMinutes", "10"],
  ["concurency", 5],
])("durableHooks.%s %o is refused", (option, value) => {
  const details = { option: `durableHooks.${option}`, received: value };
  expect(() => hookSettings({ [option]: value })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details }),
  );
});

test.each<[string, unknown]>([
  ["completedMs", -1],
  ["cancelledMs", 1.5],
  ["failedMs", Infinity],
  ["failedDays", 5],
])("durableHooks.retention.%s %o is refused", (option, value) => {
  const details = { option: `durableHooks.retention.${option}`, received: value };
  expect(() => hookSettings({ retention: { [option]: value } })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details }),
  );
});
