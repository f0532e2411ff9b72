import { expect } from "vitest";
import { eventually } from "../../eventually.ts";
import type { DispatcherGuarantees } from "../guarantee.ts";

export const errors: DispatcherGuarantees = {
  async "when looking fails it tells of it, pauses before it looks again, and recovers by itself"(open) {
    const bench = await open();
    const { processor } = bench;
    const failure = new Error("The database is down.");
    processor.isDeaf = true;
    processor.failure = failure;
    const id = await bench.trigger();
    await bench.start();
    await eventually(() => processor.looks.length >= 3, { withinMs: 20_000 });
    const [first, , third] = processor.looks;
    expect((third?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(50);
    expect(new Set(bench.errors)).toEqual(new Set([failure]));
    processor.failure = null;
    await bench.completed(id);
  },

  async "an error while it works takes nothing with it: the next wake-up is answered"(open) {
    const bench = await open();
    const { processor } = bench;
    await bench.start();
    await processor.quiet();
    processor.failure = new Error("The connection was reset.");
    const id = await bench.trigger();
    await eventually(() => bench.errors.length > 0, { withinMs: 5_000 });
    processor.failure = null;
    await bench.completed(id, await bench.trigger());
  },

  async "without wake-ups, because they cannot be subscribed to, the backstop finds everything"(open) {
    const bench = await open({ backstopMs: 100 });
    const refusal = new Error("There are no notifications here.");
    bench.processor.refusal = refusal;
    await bench.start();
    await bench.processor.quiet();
    await bench.completed(await bench.trigger());
    expect(bench.errors).toEqual([refusal]);
  },
};
