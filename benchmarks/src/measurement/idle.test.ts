import { expect, test } from "vitest";
import { betweenPolls } from "./idle.ts";

const windows = (counts: Readonly<Record<number, number>>, until: number) =>
  Array.from({ length: until / 100 }, (_, index) => {
    const endMs = (index + 1) * 100;
    return { endMs, count: counts[endMs] ?? 0 };
  });

test("a poll may spread over two windows, and come a little early", () => {
  expect(betweenPolls(windows({ 1_000: 2, 1_100: 1, 5_600: 3 }, 10_000), 5_000)).toBe(0);
});

test("whatever comes soon after a poll is counted", () => {
  expect(betweenPolls(windows({ 1_000: 3, 2_000: 1, 3_000: 2, 6_000: 3 }, 10_000), 5_000)).toBe(3);
});
