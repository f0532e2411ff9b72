import { expect, test } from "vitest";
import { median, quantile } from "./statistics.ts";

test("the median of an even number of values lies between the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9])).toBe(9);
  expect(median([])).toBeNaN();
});

test("a quantile is interpolated", () => {
  expect(quantile([10, 20, 30], 0.75)).toBe(25);
  expect(quantile([10, 20, 30], 1)).toBe(30);
});
