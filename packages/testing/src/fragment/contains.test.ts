import { expect, test } from "vitest";
import { contains } from "./contains.ts";

test.each<[unknown, unknown]>([
  [{ a: 1, b: 2 }, { a: 1 }],
  [{ a: { b: 1, c: 2 } }, { a: { c: 2 } }],
  [{ a: 1 }, {}],
  [{ a: 1 }, { b: undefined }],
  [[{ a: 1, b: 2 }], [{ a: 1 }]],
  [null, null],
  ["text", "text"],
  ["2026-01-01T00:00:00.000Z", new Date("2026-01-01")],
  [{ id: "x" }, { id: expect.any(String) }],
  [{ id: "x" }, expect.objectContaining({ id: "x" })],
])("%j has %j", (actual, expected) => {
  expect(contains(actual, expected)).toBe(true);
});

test.each<[unknown, unknown]>([
  [{ a: 1 }, { a: 2 }],
  [{ a: 1 }, { b: 1 }],
  [{ a: 1 }, { toString: expect.anything() }],
  [{ a: null }, { a: {} }],
  [{ a: "1" }, { a: 1 }],
  [[1, 2], [1]],
  [[1], { 0: 1 }],
  [{ 0: 1 }, [1]],
  [null, {}],
  ["text", { length: 4 }],
  [{ id: 1 }, { id: expect.any(String) }],
])("%j has not %j", (actual, expected) => {
  expect(contains(actual, expected)).toBe(false);
});
