import { expect, test } from "vitest";
import type { HookEvent } from "../hook/events.ts";
import { Tally } from "./tally.ts";

function tallyOf(...ends: readonly HookEvent["type"][]): Tally {
  const tally = new Tally();
  for (const end of ends) tally.add(end);
  return tally;
}

test("nothing has ended at first", () => {
  expect(new Tally().counts()).toEqual({ completed: 0, failed: 0, givenBack: 0, other: 0 });
});

test("ends are counted by their kind", () => {
  const tally = tallyOf("completed", "completed", "failed", "given-back", "lost", "fenced", "cancelled");
  expect(tally.counts()).toEqual({ completed: 2, failed: 1, givenBack: 1, other: 3 });
});

test("counts of a moment stand still, and those since it are the difference", () => {
  const tally = tallyOf("completed", "failed", "given-back", "lost");
  const earlier = tally.counts();
  for (const end of ["completed", "completed", "given-back", "fenced"] as const) tally.add(end);
  expect(earlier).toEqual({ completed: 1, failed: 1, givenBack: 1, other: 1 });
  expect(tally.since(earlier)).toEqual({ completed: 2, failed: 0, givenBack: 1, other: 1 });
});
