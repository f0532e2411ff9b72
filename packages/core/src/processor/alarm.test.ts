import { expect, test } from "vitest";
import { ManualClock } from "../clock/manual-clock.test-support.ts";
import { Alarm } from "./alarm.ts";

function begin() {
  const clock = new ManualClock();
  const rung: number[] = [];
  const startedAt = clock.now();
  const alarm = new Alarm(clock, () => rung.push(clock.now() - startedAt));
  return { clock, rung, alarm, setIn: (ms: number) => alarm.setFor(clock.now() + ms) };
}

test("it rings at the earliest moment that it was asked for, and once", async () => {
  const { clock, rung, setIn } = begin();
  for (const ms of [500, 200, 300, 200]) setIn(ms);
  await clock.advance(1_000);
  expect(rung).toEqual([200]);
});

test("it has one timer at a time, and makes a new one only for an earlier moment", () => {
  const { clock, setIn } = begin();
  for (const ms of [500, 600, 200]) setIn(ms);
  expect([clock.timers, clock.delays]).toEqual([1, [500, 200]]);
});

test("once it has rung it can be set again, also for a later moment", async () => {
  const { clock, rung, setIn } = begin();
  setIn(100);
  await clock.advance(100);
  setIn(400);
  await clock.advance(1_000);
  expect(rung).toEqual([100, 500]);
});

test("it can be set while it rings", async () => {
  const clock = new ManualClock();
  let rings = 0;
  const alarm = new Alarm(clock, () => {
    rings += 1;
    if (rings < 3) alarm.setFor(clock.now() + 10);
  });
  alarm.setFor(clock.now() + 10);
  await clock.advance(1_000);
  expect([rings, clock.timers]).toEqual([3, 0]);
});

test("a moment that has passed rings at once", async () => {
  const { clock, rung, setIn } = begin();
  setIn(-50);
  await clock.advance(0);
  expect(rung).toEqual([0]);
});

test("a cleared one does not ring, and can be set again", async () => {
  const { clock, rung, alarm, setIn } = begin();
  alarm.clear();
  setIn(100);
  alarm.clear();
  expect(clock.timers).toBe(0);
  setIn(300);
  await clock.advance(1_000);
  expect(rung).toEqual([300]);
});

test("never is no moment", () => {
  const { clock, alarm } = begin();
  alarm.setFor(Infinity);
  expect(clock.timers).toBe(0);
});
