import { isSherdError } from "@sherd/core";
import { testClock } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { bothDatabases } from "../../../../tooling/databases.ts";
import { type Signal, signal } from "../../../../tooling/signal.ts";
import { rejection, useProbes } from "./use-probe.ts";

/** A handler that tells when it has started, and goes on until it is released. */
function heldUp() {
  const started = signal();
  const release: Signal = signal();
  onTestFinished(() => release.resolve());
  const run = () => {
    started.resolve();
    return release.promise;
  };
  return { started, release, run };
}

describe.each(bothDatabases)("processDue, on %s", (kind) => {
  const probes = useProbes(kind);

  it("after claimMs it starts nothing more, and waits for what runs", async () => {
    const clock = testClock();
    const { started, release, run } = heldUp();
    const { fragment, processor } = await probes.make(run, { clock, concurrency: 1 });
    const [first = "", second = ""] = await fragment.services.triggerMany([1, 2]);
    const processed = processor.processDue({ claimMs: 1_000, deadlineMs: 60_000 });
    await started.promise;
    await clock.advance(1_000);
    release.resolve();
    const { nextWakeAt, ...counts } = await processed;
    expect(counts).toEqual({ completed: 1, failed: 0, givenBack: 0, other: 0 });
    expect(nextWakeAt).toEqual(new Date(clock.now()));
    expect(await fragment.hooks.get(first)).toMatchObject({ status: "completed" });
    expect(await fragment.hooks.get(second)).toMatchObject({ status: "pending", attempts: 0 });
    expect(await processor.processDue()).toMatchObject({ completed: 1, nextWakeAt: null });
  });

  it("what runs at the deadline is interrupted and given back, with no attempt used up, and the next call does it", async () => {
    const clock = testClock();
    const { started, run } = heldUp();
    const reasons: unknown[] = [];
    let calls = 0;
    const { fragment, processor, events } = await probes.make(
      async (_payload, ctx) => {
        calls += 1;
        if (calls > 2) return;
        const { signal } = ctx;
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        // One of the two heeds its signal, the other one is deaf to it.
        if (calls === 2) await Promise.race([run(), new Promise((_, no) => (signal.onabort = no))]);
        await run();
      },
      { clock },
    );
    const ids = await fragment.services.triggerMany(["deaf", "polite"]);
    const processed = processor.processDue({ claimMs: 1_000, deadlineMs: 5_000 });
    await started.promise;
    await clock.advance(4_999);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    expect(reasons.map((reason) => isSherdError(reason, "INTERRUPTED"))).toEqual([true, true]);
    await clock.advance(500);
    expect(await processed).toMatchObject({ completed: 0, failed: 0, givenBack: 2 });
    expect(processor.running).toBe(0);
    for (const id of ids) {
      const unused = { status: "pending", attempts: 0, failures: 0, lost: 0 };
      expect(await fragment.hooks.get(id)).toMatchObject(unused);
    }
    expect(events.filter(({ type }) => type === "given-back")).toHaveLength(2);
    expect(await processor.processDue()).toMatchObject({ completed: 2, nextWakeAt: null });
  });

  it("a deadline before claimMs ends both", async () => {
    const clock = testClock();
    const { started, run } = heldUp();
    const { fragment, processor } = await probes.make(run, { clock });
    await fragment.services.trigger();
    const processed = processor.processDue({ claimMs: 60_000, deadlineMs: 1_000 });
    await started.promise;
    await clock.advance(1_000);
    await clock.advance(500);
    expect(await processed).toMatchObject({ givenBack: 1 });
  });

  it("with a claimMs of 0 it starts nothing, and tells when to call again", async () => {
    const clock = testClock();
    const { fragment, processor } = await probes.make(() => {}, { clock });
    const id = await fragment.services.trigger();
    const nothing = { completed: 0, failed: 0, givenBack: 0, other: 0, nextWakeAt: new Date(clock.now()) };
    expect(await processor.processDue({ claimMs: 0 })).toEqual(nothing);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", attempts: 0 });
  });

  it.each([-1, 0.5, Number.NaN])("a claimMs of %d is refused, and nothing was started", async (claimMs) => {
    const { fragment, processor } = await probes.make();
    await fragment.services.trigger();
    const refused = await rejection(processor.processDue({ claimMs }));
    expect(refused).toMatchObject({ code: "INVALID_OPTION", details: { option: "processDue.claimMs" } });
    expect(await fragment.hooks.count()).toMatchObject({ pending: 1, processing: 0, completed: 0 });
  });
});
