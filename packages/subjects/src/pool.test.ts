import { isSherdError } from "@sherd/core";
import { expect, it } from "vitest";
import { pool } from "./pool.ts";

it("a pool without options takes any JSON up to 64 KiB", () => {
  expect(pool()).toMatchObject({ cursor: null, meta: null, maxCursorBytes: 65_536, maxMetaBytes: 65_536 });
});

it.each([
  { maxCursorBytes: 1 },
  { maxCursorBytes: 900_001 },
  { maxMetaBytes: 1.5 },
  { retry: { kind: "sometimes" } },
  { retry: "never" },
  { cursors: null },
])("a pool with %o is INVALID_OPTION", (options) => {
  const make = () => pool(options as object);
  expect(make).toThrow(expect.toSatisfy((thrown) => isSherdError(thrown, "INVALID_OPTION")) as Error);
});
