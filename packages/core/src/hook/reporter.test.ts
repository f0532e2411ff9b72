import { expect, test } from "vitest";
import type { ErrorContext, HookEvent, StuckHook, StuckProcessingHooks } from "./events.ts";
import { type DurableHooksOptions, hookSettings } from "./options.ts";
import { reporter } from "./reporter.ts";

const event: HookEvent = { type: "claimed", namespace: "shop", id: "1", name: "deliver", attempt: 1 };
const stuck: StuckHook = { id: "1", name: "deliver", owner: "worker-1", lost: 1, end: "ready" };
const broken = new Error("broken callback");
const fail = () => {
  throw broken;
};

function begin(options: DurableHooksOptions, onError?: (error: unknown, context: ErrorContext) => void) {
  const errors: (readonly [unknown, ErrorContext])[] = [];
  const hear = (error: unknown, context: ErrorContext) => errors.push([error, context]);
  return { errors, report: reporter("shop", hookSettings(options), onError ?? hear) };
}

test("events go to who listens", () => {
  const events: HookEvent[] = [];
  const { report } = begin({ onEvent: (each) => events.push(each) });
  report.event(event);
  expect([report.isListening, events]).toEqual([true, [event]]);
});

test("where nobody listens nothing happens", () => {
  const report = reporter("shop", hookSettings(), null);
  report.event(event);
  report.stuck([stuck]);
  report.error(broken, "claim");
  expect(report.isListening).toBe(false);
});

test("stuck hooks come with the minutes after which they are, or null where none ever is", () => {
  const heard: StuckProcessingHooks[] = [];
  const onStuckProcessingHooks = (each: StuckProcessingHooks) => heard.push(each);
  begin({ onStuckProcessingHooks, stuckProcessingTimeoutMinutes: 2.5 }).report.stuck([stuck]);
  begin({ onStuckProcessingHooks, stuckProcessingTimeoutMinutes: false }).report.stuck([stuck]);
  expect(heard).toEqual([
    { namespace: "shop", timeoutMinutes: 2.5, events: [stuck] },
    { namespace: "shop", timeoutMinutes: null, events: [stuck] },
  ]);
});

test("no stuck hook is nothing to hear of", () => {
  const { errors, report } = begin({ onStuckProcessingHooks: fail });
  report.stuck([]);
  expect(errors).toEqual([]);
});

test("an error comes with what was done when it came", () => {
  const { errors, report } = begin({});
  report.error(broken, "settle");
  expect(errors).toEqual([[broken, { namespace: "shop", during: "settle" }]]);
});

test("what a callback throws goes to onError and stops nothing", () => {
  const { errors, report } = begin({ onEvent: fail, onStuckProcessingHooks: fail });
  report.event(event);
  report.stuck([stuck]);
  const context = { namespace: "shop", during: "callback" };
  expect(errors).toEqual([
    [broken, context],
    [broken, context],
  ]);
});

test("what onError throws stops nothing", () => {
  const { report } = begin({ onEvent: fail }, fail);
  report.event(event);
  report.error(broken, "claim");
});
