import { expect } from "vitest";
import { signal } from "../../adapter/signal.ts";
import type { DispatcherGuarantees } from "../guarantee.ts";

export const stopping: DispatcherGuarantees = {
  async "stopping drains: what runs may end undisturbed before the deadline, and is stored"(open) {
    const started = signal();
    const release = signal();
    let isAborted: boolean | null = null;
    const bench = await open({
      async run(ctx) {
        started.fire();
        await release.fired;
        isAborted = ctx.signal.aborted;
      },
    });
    await bench.start();
    const id = await bench.trigger();
    await started.fired;
    const stopped = bench.stop({ deadlineMs: 30_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    release.fire();
    await stopped;
    expect(isAborted).toBe(false);
    expect(await bench.status(id)).toMatchObject({ status: "completed", attempts: 1 });
  },

  async "what waits when it stops is left alone, and so is what comes later"(open) {
    const started = signal();
    const release = signal();
    const bench = await open({
      concurrency: 1,
      async run() {
        started.fire();
        await release.fired;
      },
    });
    await bench.start();
    await bench.trigger();
    await started.fired;
    const waiting = await bench.trigger();
    const scheduled = await bench.trigger({ processAt: new Date(Date.now() + 50) });
    const stopped = bench.stop({ deadlineMs: 30_000 });
    release.fire();
    await stopped;
    const looks = bench.processor.looks.length;
    const later = await bench.trigger();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(bench.processor.looks).toHaveLength(looks);
    for (const id of [waiting, scheduled, later]) {
      expect(await bench.status(id)).toMatchObject({ status: "pending", attempts: 0 });
    }
  },

  async "at the deadline running hooks are interrupted and given back, with no attempt used up"(open) {
    const started = signal();
    const bench = await open({
      run: ({ signal: stop }) =>
        new Promise((_resolve, reject) => {
          stop.addEventListener("abort", () => reject(stop.reason as Error));
          started.fire();
        }),
    });
    await bench.start();
    const id = await bench.trigger();
    await started.fired;
    await bench.stop({ deadlineMs: 20 });
    expect(await bench.status(id)).toMatchObject({ status: "pending", attempts: 0, failures: 0, lost: 0 });
  },

  async "it stops although a hook ignores its signal"(open) {
    const started = signal();
    const bench = await open({
      run() {
        started.fire();
        return new Promise(() => {});
      },
    });
    await bench.start();
    const id = await bench.trigger();
    await started.fired;
    await bench.stop({ deadlineMs: 20 });
    expect(await bench.status(id)).toMatchObject({ status: "pending", attempts: 0 });
  },
};
