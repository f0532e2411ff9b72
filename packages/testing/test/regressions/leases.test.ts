import { type Clock, RetryAfter, systemClock } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { comesTrue, pass } from "./bounded.ts";

describe("a hook that runs in a living process is not lost", () => {
  it("although transactions of other hooks occupy every connection of the pool", async () => {
    const adapter = postgresAdapter(inject("postgresUrl"), { max: 2 });
    const other = postgresAdapter(inject("postgresUrl"), { listen: false });
    onTestFinished(async () => {
      await adapter.close();
      await other.close();
    });
    const release = signal();
    onTestFinished(() => release.resolve());
    let transactions = 0;
    const { fragment, processor } = await makeProbe(
      adapter,
      freshNamespace(),
      async (payload, ctx) => {
        if (payload === "plain") return release.promise;
        await ctx.transaction(() => {
          transactions += 1;
          return release.promise;
        });
      },
      { leaseMs: 300 },
    );
    await fragment.services.trigger("plain");
    await processor.wake();
    await fragment.services.triggerMany(["one", "two"]);
    await processor.wake();
    expect(await comesTrue(() => transactions === 2)).toBe(true);
    await pass(other, 900);
    const { lost } = await other.storage.sweep(`hook/${fragment.namespace}`, 100, 3);
    release.resolve();
    await processor.stop();
    expect(lost).toEqual([]);
  });

  it("although a dispatcher's listener throws", async () => {
    const adapter = sqliteAdapter(":memory:");
    onTestFinished(() => adapter.close());
    const [middle, last] = [signal(), signal()];
    onTestFinished(() => last.resolve());
    const { fragment, processor, events } = await makeProbe(
      adapter,
      freshNamespace(),
      async (payload) => {
        if (payload === "fails") throw new RetryAfter(3_600_000);
        await (payload === "middle" ? middle : last).promise;
      },
      { leaseMs: 200 },
    );
    let thrown = 0;
    const unsubscribe = await processor.subscribe({
      onWake() {},
      onDueIn() {
        thrown += 1;
        throw new Error("a dispatcher's own fault");
      },
      onError() {},
    });
    await fragment.services.triggerMany(["fails", "middle", "last"]);
    await processor.wake();
    expect(await comesTrue(() => thrown > 0)).toBe(true);
    middle.resolve();
    expect(await comesTrue(() => events.some(({ type }) => type === "completed"))).toBe(true);
    await pass(adapter, 500);
    expect((await adapter.storage.sweep(`hook/${fragment.namespace}`, 100, 3)).lost).toEqual([]);
    await unsubscribe();
  });

  it("although the clock of its process is set forward", async () => {
    const adapter = sqliteAdapter(":memory:");
    onTestFinished(() => adapter.close());
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };
    const release = signal();
    onTestFinished(() => release.resolve());
    const { fragment, processor, events } = await makeProbe(
      adapter,
      freshNamespace(),
      () => release.promise,
      { clock },
    );
    await fragment.services.trigger("short", { timeoutMs: 50 });
    const id = await fragment.services.trigger("long");
    await processor.wake();
    aheadMs = 3_600_000;
    expect(await comesTrue(() => events.some(({ type }) => type === "failed"))).toBe(true);
    expect(events.filter((event) => event.id === id).map(({ type }) => type)).toEqual(["claimed"]);
  });
});
