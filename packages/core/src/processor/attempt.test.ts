import { expect, test } from "vitest";
import type { FragmentInternals } from "../fragment/internals.ts";
import { hook } from "../hook/hook.ts";
import { hookSettings } from "../hook/options.ts";
import type { ClaimedItem } from "../kernel/item.ts";
import { Attempt, type Deadline } from "./attempt.ts";
import { cancellation, interruption } from "./interruption.ts";

const now = 1_000_000;
const hooks = { timed: hook({ timeoutMs: 5_000, run() {} }), untimed: hook({ run() {} }) };

function begin(name: string, timeoutMs: number | null = null, minutes: number | false = 1): Attempt {
  const settings = hookSettings({ stuckProcessingTimeoutMinutes: minutes });
  const fragment = { hooks: new Map(Object.entries(hooks)), settings } as unknown as FragmentInternals;
  return new Attempt({ id: "1", name, timeoutMs } as ClaimedItem, fragment, now);
}

test.each<[string, Attempt, number | null, Deadline | null]>([
  ["the hook's", begin("timed"), 5_000, { at: now + 5_000, kind: "timeout" }],
  ["the item's, before the hook's", begin("timed", 70), 70, { at: now + 70, kind: "timeout" }],
  ["the longest of any attempt", begin("untimed"), null, { at: now + 60_000, kind: "stuck" }],
  [
    "the longest, before a longer timeout",
    begin("timed", 60_001),
    60_001,
    { at: now + 60_000, kind: "stuck" },
  ],
  ["the timeout that is as long", begin("timed", 60_000), 60_000, { at: now + 60_000, kind: "timeout" }],
  ["the hook's, with no longest", begin("timed", null, false), 5_000, { at: now + 5_000, kind: "timeout" }],
  ["none, of a hook that may take for ever", begin("untimed", null, false), null, null],
  ["none, of a hook that the code does not know", begin("unknown", null, false), null, null],
])("its deadline is %s", (_whose, attempt, timeoutMs, deadline) => {
  expect([attempt.timeoutMs, attempt.deadline]).toEqual([timeoutMs, deadline]);
});

test("a stop aborts the signal, and the first reason stays", () => {
  const attempt = begin("timed");
  const { signal } = attempt;
  expect([signal.aborted, attempt.stopReason]).toEqual([false, null]);
  const reason = cancellation("1");
  attempt.stop(reason);
  attempt.stop(interruption("1"));
  expect([signal.aborted, signal.reason, attempt.stopReason]).toEqual([true, reason, reason]);
  expect(attempt.signal).toBe(signal);
});

test("a signal that is asked for after the stop is aborted from the start", () => {
  const attempt = begin("timed");
  const reason = interruption("1");
  attempt.stop(reason);
  expect([attempt.signal.aborted, attempt.signal.reason]).toEqual([true, reason]);
});
