import { expect, test } from "vitest";
import { sleepOf } from "./workforce.ts";

test("handlers' times are spread evenly between the bounds, and the same in each run", () => {
  const times = Array.from({ length: 10_000 }, (_, number) => sleepOf(number, [5, 50]));
  expect(Math.min(...times)).toBe(5);
  expect(Math.max(...times)).toBe(50);
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  expect(mean).toBeCloseTo(27.5, 0);
  expect(sleepOf(1234, [5, 50])).toBe(times[1234]);
});
