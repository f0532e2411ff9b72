import { type Clock, systemClock } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { expect, it, onTestFinished } from "vitest";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { loseLeases } from "../guarantees/stalled-process.ts";
import { comesTrue, diskFailure } from "./bounded.ts";

/** Heartbeats of a lease of this length are not sent; other timers ring. */
const leaseMs = 900;
const clock: Clock = {
  ...systemClock,
  schedule: (run, delayMs) => (delayMs === leaseMs / 3 ? () => {} : systemClock.schedule(run, delayMs)),
};

it("an attempt whose lease went while its outcome could not be settled is reported once", async () => {
  let isDown = true;
  const adapter = sqliteAdapter(":memory:", {
    onStatement({ verb, statement, phase }) {
      if (isDown && verb === "settle" && statement === "begin" && phase === "before") throw diskFailure();
    },
  });
  onTestFinished(() => adapter.close());
  const { fragment, processor, events } = await makeProbe(adapter, freshNamespace(), () => {}, {
    leaseMs,
    clock,
  });
  const unsubscribe = await processor.subscribe({ onWake() {}, onDueIn() {}, onError() {} });
  onTestFinished(unsubscribe);
  await fragment.services.trigger();
  await processor.wake({ sweep: false });
  expect(await loseLeases(adapter, fragment.namespace)).toBe(1);
  // A hint of a cancellation has the leases renewed, and theirs is gone.
  adapter.notifier.publish(`hook/${fragment.namespace}`, "cancel");
  const fenced = () => events.filter(({ type }) => type === "fenced").length;
  expect(await comesTrue(() => fenced() === 1)).toBe(true);
  isDown = false;
  // What ends later is settled after it.
  await fragment.services.trigger();
  await processor.wake();
  expect(await comesTrue(() => events.filter(({ type }) => type === "completed").length === 2)).toBe(true);
  expect(fenced()).toBe(1);
});
