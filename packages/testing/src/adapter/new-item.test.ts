import { expect, test } from "vitest";
import { uuidv7 } from "./new-item.ts";

test("ids are UUIDs of version 7 and variant 1", () => {
  expect(uuidv7(Date.now())).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuidv7(0)).toMatch(/^00000000-0000-7/);
});

test("ids sort by the clocks that made them", () => {
  const now = Date.now();
  const ids = [uuidv7(now - 60_000), uuidv7(now), uuidv7(now + 1)];
  expect(ids.toSorted()).toEqual(ids);
});
