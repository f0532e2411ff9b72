import { expect } from "vitest";
import { signal } from "../../adapter/signal.ts";
import { eventually } from "../../eventually.ts";
import type { DispatcherGuarantees } from "../guarantee.ts";

export const waking: DispatcherGuarantees = {
  async "what was committed before it started runs"(open) {
    const bench = await open();
    const id = await bench.trigger();
    await bench.start();
    await bench.completed(id);
  },

  async "a commit wakes it, long before its backstop"(open) {
    const bench = await open();
    await bench.start();
    await bench.processor.quiet();
    await bench.completed(await bench.trigger());
    await bench.processor.quiet();
    await bench.completed(await bench.trigger());
    expect(bench.errors).toEqual([]);
  },

  async "a commit of a handler wakes it, also while that one still runs"(open) {
    const release = signal();
    const childRan = signal();
    const bench = await open({
      async run(ctx) {
        if (ctx.trace !== "parent") return childRan.fire();
        await ctx.transaction(async (uow) => void uow.triggerHook("work", null, { trace: "child" }));
        await release.fired;
      },
    });
    await bench.start();
    const parent = await bench.trigger({ trace: "parent" });
    await childRan.fired;
    release.fire();
    await bench.completed(parent);
  },

  async "wake-ups that come while it looks coalesce: fifty make it look a few times, and all is found"(open) {
    const bench = await open();
    const { processor } = bench;
    await bench.start();
    await processor.quiet();
    const before = processor.looks.length;
    const gate = signal();
    processor.gate = gate.fired;
    const ids: string[] = [];
    for (let hook = 0; hook < 50; hook++) ids.push(await bench.trigger());
    gate.fire();
    await bench.completed(...ids);
    await processor.quiet();
    expect(processor.looks.length - before).toBeLessThanOrEqual(5);
  },

  async "a commit that comes when it is about to sleep is not forgotten"(open) {
    const bench = await open();
    const { processor } = bench;
    await bench.start();
    await processor.quiet();
    const gate = signal();
    processor.answerGate = gate.fired;
    const first = await bench.trigger();
    await eventually(() => processor.staleAnswers > 0, { withinMs: 5_000 });
    const second = await bench.trigger();
    gate.fire();
    await bench.completed(first, second);
  },

  async "more hooks than it has slots run one after the other, without a wake-up and without the backstop"(
    open,
  ) {
    let running = 0;
    let most = 0;
    const bench = await open({
      concurrency: 2,
      async run() {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
      },
    });
    const ids: string[] = [];
    for (let hook = 0; hook < 20; hook++) ids.push(await bench.trigger());
    await bench.start();
    await bench.completed(...ids);
    expect(most).toBe(2);
  },
};
