import { expect, test } from "vitest";
import type { ItemView } from "../kernel/item.ts";
import { resolveAmbiguous } from "./ambiguous-settle.ts";
import type { Ended } from "./settler.ts";

const ended = (settlement: object): Ended =>
  ({
    attempt: { item: { failures: 1, lost: 0 } },
    settlement: { id: "a", outcome: null, error: null, ...settlement },
  }) as never;
const found = (view: object | null) => ({
  get: async () =>
    view === null
      ? null
      : ({ held: false, outcome: null, failures: 1, lost: 0, errors: [], ...view } as unknown as ItemView),
});

test.each([
  ["a completion that took effect", { outcome: "completed" }, { outcome: "completed" }, "settled"],
  ["a failure that took effect", { failed: true }, { failures: 2 }, "settled"],
  ["a loss that took effect", { lost: true }, { lost: 1 }, "settled"],
  [
    "a failure of an attempt that another one has followed",
    { failed: true, error: { at: 5 } },
    { failures: 2, errors: [{ at: 6 }] },
    "lost",
  ],
  [
    "a failure that took effect, with its error",
    { failed: true, error: { at: 5 } },
    { failures: 2, errors: [{ at: 5 }] },
    "settled",
  ],
  ["an item that is held again", { outcome: null }, { held: true }, "lost"],
  ["an item that was swept first", { outcome: "completed" }, { lost: 1 }, "lost"],
  ["an item that ended otherwise", { outcome: "completed" }, { outcome: "cancelled" }, "lost"],
  ["an item that was pruned", { outcome: "completed" }, null, "lost"],
] as const)("%s is told from its lost answer", async (_what, settlement, view, expected) => {
  expect(await resolveAmbiguous(found(view), "q", [ended(settlement)], ["lost"])).toEqual([expected]);
});

test("what was answered otherwise stays as it is, and a look that fails changes nothing", async () => {
  const failing = { get: async () => Promise.reject(new Error("down")) };
  const batch = [ended({ outcome: "completed" }), ended({ outcome: "completed" })];
  expect(await resolveAmbiguous(failing, "q", batch, ["cancelled", "lost"])).toEqual(["cancelled", "lost"]);
});
