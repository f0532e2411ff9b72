import { expect, test } from "vitest";
import { invalidOption } from "./invalid-option.ts";

class Settings {}

test.each<[unknown, string]>([
  ["1\n", `"1\\n"`],
  [12, "12"],
  [NaN, "NaN"],
  [undefined, "undefined"],
  [null, "null"],
  [true, "true"],
  [10n, "10"],
  [Symbol("s"), "Symbol(s)"],
  [() => 1, "a function"],
  [[1], "an object (Array)"],
  [new Settings(), "an object (Settings)"],
  [Object.create(null), "an object (no prototype)"],
])("%o is shown as %s", (received, shown) => {
  const error = invalidOption("retry.factor", received, "a number");
  expect(error).toMatchObject({
    code: "INVALID_OPTION",
    message: `Option retry.factor must be a number, but is ${shown}.`,
    details: { option: "retry.factor", received },
    retryable: false,
  });
});
