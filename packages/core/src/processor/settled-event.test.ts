import { expect, test } from "vitest";
import { ManualClock } from "../clock/manual-clock.test-support.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import type { HookEvent } from "../hook/events.ts";
import { hookSettings } from "../hook/options.ts";
import type { ClaimedItem, SettledItem, Settlement } from "../kernel/item.ts";
import { Attempt } from "./attempt.ts";
import { settledEvent } from "./settled-event.ts";

const clock = new ManualClock();
const fragment = {
  namespace: "shop",
  hooks: new Map(),
  settings: hookSettings({ clock }),
} as unknown as FragmentInternals;
const item = { id: "1", name: "deliver", lease: "a", failures: 1, lost: 1, timeoutMs: null } as ClaimedItem;
const attempt = new Attempt(item, fragment, clock.now() - 70);
const refused = new Error("refused");

const about = { namespace: "shop", id: "1", name: "deliver" };
const third = { ...about, attempt: 3 };
const lost = { type: "lost", ...about, owner: "worker-1", lost: 2 } as const;
const failed = { type: "failed", ...third, error: refused, durationMs: 70 } as const;

const done = { state: "done", outcome: "completed", failed: false, lost: false, delayMs: null } as const;
const back = { ...done, state: "ready", outcome: null } as const;
const later = { ...back, state: "timed", failed: true, delayMs: 500 } as const;
const failedForGood = { ...done, outcome: "failed", failed: true } as const;

test.each<[string, Partial<Settlement>, SettledItem["result"], HookEvent]>([
  ["completed", done, "settled", { type: "completed", ...third, durationMs: 70 }],
  ["completed, though replaced", done, "replaced", { type: "completed", ...third, durationMs: 70 }],
  ["completed, but cancelled", done, "cancelled", { type: "cancelled", ...third }],
  ["failed, but cancelled", later, "cancelled", { type: "cancelled", ...third }],
  ["failed, tried again later", later, "settled", { ...failed, retryInMs: 500 }],
  ["failed, tried again now", { ...back, failed: true }, "settled", { ...failed, retryInMs: 0 }],
  ["failed for good", failedForGood, "settled", { ...failed, retryInMs: null }],
  ["failed for good, but replaced", failedForGood, "replaced", { ...failed, retryInMs: 0 }],
  ["given back", back, "settled", { type: "given-back", ...third }],
  ["stuck", { ...back, lost: true }, "settled", { ...lost, end: "ready" }],
  ["stuck for good", { ...done, outcome: "failed", lost: true }, "settled", { ...lost, end: "failed" }],
  [
    "stuck for good, but replaced",
    { ...done, outcome: "failed", lost: true },
    "replaced",
    { ...lost, end: "ready" },
  ],
])("%s", (_case, settlement, result, event) => {
  expect(settledEvent(fragment, attempt, settlement as Settlement, refused, result, "worker-1")).toEqual(
    event,
  );
});

test("an attempt whose lease was gone is told of as fenced, however it ended", () => {
  for (const settlement of [done, back, later, failedForGood]) {
    const event = settledEvent(fragment, attempt, settlement as Settlement, refused, "lost", "worker-1");
    const error: unknown = expect.objectContaining({ code: "LEASE_LOST", details: { id: "1" } });
    expect(event).toEqual({ type: "fenced", ...third, error });
  }
});
