import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("it tells the time of the system", () => {
  vi.setSystemTime(1_234);
  expect(systemClock.now()).toBe(1_234);
});

test("it calls once, after the delay", () => {
  const run = vi.fn<() => void>();
  systemClock.schedule(run, 100);
  vi.advanceTimersByTime(99);
  expect(run).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(run).toHaveBeenCalledTimes(1);
});

test("a cancelled call does not come", () => {
  const run = vi.fn<() => void>();
  systemClock.schedule(run, 100)();
  vi.advanceTimersByTime(1_000);
  expect(run).not.toHaveBeenCalled();
});

test("a moment that has passed is now", () => {
  const run = vi.fn<() => void>();
  systemClock.schedule(run, -5);
  vi.advanceTimersByTime(0);
  expect(run).toHaveBeenCalledTimes(1);
});

test("a delay longer than any timer of the platform does not fire at once", () => {
  const run = vi.fn<() => void>();
  systemClock.schedule(run, 2 ** 31);
  systemClock.schedule(run, Infinity);
  vi.advanceTimersByTime(2 ** 31 - 2);
  expect(run).not.toHaveBeenCalled();
});

test.each([
  ["with setImmediate", false],
  ["without it, as in workerd", true],
])("soon is when what is ready to run has run: %s", async (_host, isMissing) => {
  if (isMissing) vi.stubGlobal("setImmediate", undefined);
  const order: string[] = [];
  systemClock.soon(() => order.push("soon"));
  await Promise.resolve().then(() => order.push("ready"));
  vi.advanceTimersByTime(0);
  expect(order).toEqual(["ready", "soon"]);
});
