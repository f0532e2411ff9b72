import { expect, test } from "vitest";
import { requireInteger, requireKnown, requireText } from "./require-option.ts";

const refusal = (option: string, received: unknown) =>
  expect.objectContaining({ code: "INVALID_OPTION", details: { option, received } });

test("a whole number within the range is answered, its ends included", () => {
  expect([1, 5, 10].map((value) => requireInteger("n", value, 1, 10))).toEqual([1, 5, 10]);
  expect(requireInteger("n", Number.MAX_SAFE_INTEGER, 0)).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([0, 11, 1.5, NaN, Infinity, "5" as never, null as never])(
  "%o is no whole number from 1 to 10",
  (value) => {
    expect(() => requireInteger("n", value, 1, 10)).toThrow(refusal("n", value));
    expect(() => requireInteger("n", value, 1, 10)).toThrow("a whole number from 1 to 10");
  },
);

test("a number beyond what JavaScript counts exactly is refused where no maximum is given", () => {
  expect(() => requireInteger("n", 2 ** 53, 0)).toThrow(refusal("n", 2 ** 53));
});

test("known names pass, absent ones too", () => {
  requireKnown("trigger", {}, ["key"]);
  requireKnown("trigger", { key: undefined, priority: 1 }, ["key", "priority"]);
});

test("a name that is not known is refused, with those that are", () => {
  const act = () => requireKnown("trigger", { kye: "a" }, ["key", "priority"]);
  expect(act).toThrow(refusal("trigger.kye", "a"));
  expect(act).toThrow("trigger takes key, priority");
});

test("a text of 1 to the most characters is answered", () => {
  expect(["a", "abc"].map((value) => requireText("key", value, 3))).toEqual(["a", "abc"]);
});

test.each(["", "abcd", "a\0b", 5 as never, null as never, ["a"] as never])(
  "%o is no text of 1 to 3 characters",
  (value) => {
    expect(() => requireText("key", value, 3)).toThrow(refusal("key", value));
  },
);
