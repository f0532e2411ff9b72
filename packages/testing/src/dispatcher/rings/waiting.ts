import { expect } from "vitest";
import { newItem } from "../../adapter/new-item.ts";
import type { DispatcherGuarantees } from "../guarantee.ts";

export const waiting: DispatcherGuarantees = {
  async "what is due later runs at its time: not by a poll before it, not by the backstop after it"(open) {
    const startedAt: number[] = [];
    const bench = await open({ run: () => void startedAt.push(Date.now()) });
    bench.processor.isDeaf = true;
    const dueAt = Date.now() + 600;
    const id = await bench.trigger({ processAt: new Date(dueAt) });
    await bench.start();
    await bench.completed(id);
    expect(startedAt).toHaveLength(1);
    // The database's clock may be some milliseconds off this process's.
    expect(startedAt[0]).toBeGreaterThanOrEqual(dueAt - 20);
    expect(bench.processor.looks.length).toBeLessThanOrEqual(4);
  },

  async "what becomes due sooner than what it waits for runs at its own time"(open) {
    const order: unknown[] = [];
    const bench = await open({ run: ({ trace }) => void order.push(trace) });
    await bench.start();
    const late = await bench.trigger({ processAt: new Date(Date.now() + 900), trace: "late" });
    await bench.processor.quiet();
    const soon = await bench.trigger({ processAt: new Date(Date.now() + 300), trace: "soon" });
    await bench.completed(soon, late);
    expect(order).toEqual(["soon", "late"]);
  },

  async "a hook that failed runs again when its retry is due, although it failed when nobody looked"(open) {
    const startedAt: number[] = [];
    const bench = await open({
      async run({ attempt }) {
        startedAt.push(performance.now());
        if (attempt > 1) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
        throw new Error("The first attempt fails.");
      },
    });
    await bench.start();
    await bench.completed(await bench.trigger());
    expect((startedAt[1] ?? 0) - (startedAt[0] ?? 0)).toBeGreaterThanOrEqual(180);
  },

  async "what a dead process held runs when its lease has expired"(open) {
    const bench = await open();
    const { adapter, queue } = bench;
    const item = newItem(queue, { name: "work", body: "null" });
    await adapter.transaction((tx) => adapter.storage.enqueue(tx, [item]));
    const dead = { queue, names: ["work"], limit: 1, leaseMs: 400, owner: "dead" };
    expect((await adapter.storage.claim(dead, [])).items).toHaveLength(1);
    await bench.start();
    await bench.completed(item.id);
    expect(await bench.status(item.id)).toMatchObject({ lost: 1, attempts: 2 });
  },

  async "its backstop finds what no wake-up told of"(open) {
    const bench = await open({ backstopMs: 100 });
    bench.processor.isDeaf = true;
    await bench.start();
    await bench.processor.quiet();
    await bench.completed(await bench.trigger());
  },

  async "while nothing is due and nothing happens, it asks nothing until its backstop"(open) {
    const bench = await open();
    const { processor } = bench;
    await bench.start();
    await bench.completed(await bench.trigger());
    await processor.quiet();
    const before = [processor.looks.length, processor.questions];
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([processor.looks.length, processor.questions]).toEqual(before);
  },
};
