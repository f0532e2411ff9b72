import { expect, test } from "vitest";
import type { ClaimedItem } from "../kernel/item.ts";
import { ClaimedAhead } from "./claimed-ahead.ts";

const item = (id: string, lost = 0) => ({ id, lease: id, lost }) as ClaimedItem;
const ids = (items: readonly ClaimedItem[]) => items.map(({ id }) => id);

test("nothing is claimed ahead before it is known how long hooks take", () => {
  expect(new ClaimedAhead(100).allowance(0)).toBe(0);
});

test("as much is claimed ahead as the slots get through in 20 ms", () => {
  const ahead = new ClaimedAhead(10);
  ahead.passed(25, 1_000);
  expect(ahead.allowance(1_010)).toBe(8);
});

test("what passes at once is claimed in batches of 500, however few slots there are", () => {
  const ahead = new ClaimedAhead(1);
  ahead.passed(0, 1_000);
  expect(ahead.allowance(1_000)).toBe(500);
});

test("slow hooks are not claimed ahead of their slots", () => {
  const ahead = new ClaimedAhead(10);
  ahead.passed(60_000, 1_000);
  expect(ahead.allowance(1_000)).toBe(0);
});

test("once nothing passes any more, nothing is claimed ahead, however fast hooks were", () => {
  const ahead = new ClaimedAhead(100);
  for (let end = 0; end < 50; end++) ahead.passed(1, 1_000);
  expect(ahead.allowance(1_020)).toBeGreaterThan(0);
  expect(ahead.allowance(1_021)).toBe(0);
});

test("the average follows how long hooks have taken lately", () => {
  const ahead = new ClaimedAhead(10);
  ahead.passed(1, 0);
  for (let end = 0; end < 200; end++) ahead.passed(50, 0);
  expect(ahead.allowance(0)).toBe(4);
});

test("who waits is taken in the order of claims", () => {
  const ahead = new ClaimedAhead(2);
  ahead.push([item("a"), item("b")], 0);
  ahead.push([item("c")], 5);
  expect(ids(ahead.take(2))).toEqual(["a", "b"]);
  expect(ahead.size).toBe(1);
  expect(ids(ahead.take(-1))).toEqual([]);
  expect(ids(ahead.take(9))).toEqual(["c"]);
});

test("who has waited for 100 ms is overdue", () => {
  const ahead = new ClaimedAhead(2);
  expect(ahead.overdueAt).toBeNull();
  ahead.push([item("a")], 0);
  ahead.push([item("b")], 60);
  expect(ahead.overdueAt).toBe(100);
  expect(ids(ahead.takeOverdue(99))).toEqual([]);
  expect(ids(ahead.takeOverdue(100))).toEqual(["a"]);
  expect(ids(ahead.takeOverdue(160))).toEqual(["b"]);
});

test("some are taken from among the others, which keep their order", () => {
  const ahead = new ClaimedAhead(2);
  ahead.push([item("a"), item("b", 2), item("c")], 0);
  expect(ahead.has(({ lost }) => lost > 1)).toBe(true);
  expect(ids(ahead.takeWhere(({ lost }) => lost > 1))).toEqual(["b"]);
  expect(ahead.has(({ lost }) => lost > 1)).toBe(false);
  expect(ids(ahead.take(9))).toEqual(["a", "c"]);
});
