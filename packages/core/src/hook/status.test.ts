import { expect, test } from "vitest";
import type { ItemStatus, ItemView } from "../kernel/item.ts";
import { hookStatus } from "./status.ts";

test.each<[Pick<ItemView, "held" | "outcome">, ItemStatus]>([
  [{ held: false, outcome: null }, "pending"],
  [{ held: true, outcome: null }, "processing"],
  [{ held: false, outcome: "completed" }, "completed"],
  [{ held: false, outcome: "failed" }, "failed"],
  [{ held: false, outcome: "cancelled" }, "cancelled"],
  [{ held: true, outcome: "completed" }, "completed"],
])("%o is %s", (item, status) => {
  expect(hookStatus(item)).toBe(status);
});
