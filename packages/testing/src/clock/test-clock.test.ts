import { expect, test, vi } from "vitest";
import { testClock } from "./test-clock.ts";

test("it stands still until it is advanced, and begins where it is told or now", async () => {
  const clock = testClock(1_000);
  expect(clock.now()).toBe(1_000);
  await clock.advance(250);
  expect(clock.now()).toBe(1_250);
  expect(testClock(new Date(5)).now()).toBe(5);
  expect(Math.abs(testClock().now() - Date.now())).toBeLessThan(5_000);
});

test("it rings in order, each timer at its moment, those of one moment in the order they were set", async () => {
  const clock = testClock(0);
  const rung: [string, number][] = [];
  const ring = (name: string) => () => rung.push([name, clock.now()]);
  clock.schedule(ring("late"), 300);
  clock.schedule(ring("b"), 100);
  clock.schedule(ring("c"), 100);
  clock.schedule(ring("past"), -5);
  clock.schedule(ring("beyond"), 1_001);
  clock.schedule(ring("cancelled"), 200)();
  await clock.advance(1_000);
  expect(rung).toEqual([
    ["past", 0],
    ["b", 100],
    ["c", 100],
    ["late", 300],
  ]);
  expect(clock.now()).toBe(1_000);
});

test("what a timer starts has settled before the next one rings, and what that sets rings too", async () => {
  const clock = testClock(0);
  const seen: string[] = [];
  clock.schedule(() => {
    void Promise.resolve()
      .then(() => new Promise<void>((resolve) => clock.soon(resolve)))
      .then(() => {
        seen.push("settled");
        clock.schedule(() => seen.push(`set by the first, at ${clock.now()}`), 50);
      });
  }, 100);
  clock.schedule(() => seen.push("the next"), 200);
  await clock.advance(200);
  expect(seen).toEqual(["settled", "set by the first, at 150", "the next"]);
});

test("soon takes no time, and comes without an advance, also when timers are faked", async () => {
  vi.useFakeTimers();
  try {
    await new Promise<void>((resolve) => testClock(0).soon(resolve));
  } finally {
    vi.useRealTimers();
  }
});

test("calls of advance take turns and add up", async () => {
  const clock = testClock(0);
  const moments: number[] = [];
  clock.schedule(() => moments.push(clock.now()), 30);
  await Promise.all([clock.advance(20), clock.advance(20)]);
  expect(moments).toEqual([30]);
  expect(clock.now()).toBe(40);
});

test("set goes forward ringing, and backward without: what waits keeps its delay, and what has elapsed grows", async () => {
  const clock = testClock(10_000);
  const rung: number[] = [];
  clock.schedule(() => rung.push(clock.now()), 100);
  await clock.set(4_000);
  expect([clock.now(), clock.elapsed(), rung]).toEqual([4_000, 10_000, []]);
  await clock.set(new Date(9_000));
  expect([clock.now(), clock.elapsed(), rung]).toEqual([9_000, 15_000, [4_100]]);
});

test.each([-1, Number.NaN, Infinity])("advancing by %d is INVALID_OPTION", async (ms) => {
  await expect(testClock(0).advance(ms)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});

test("a moment that is none is INVALID_OPTION", async () => {
  expect(() => testClock(new Date(Number.NaN))).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  await expect(testClock(0).set(Number.NaN)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
