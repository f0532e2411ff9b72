import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { comesTrue, diskFailure, freshFile, soon } from "./bounded.ts";

const aborted = (stop: AbortSignal) =>
  new Promise<void>((_, reject) => {
    stop.addEventListener("abort", () => reject(stop.reason as Error));
  });

describe("stopping within its deadline", () => {
  it("although a ctx.transaction occupies the one connection and a claim waits for it", async () => {
    const started = signal();
    const release = signal();
    onTestFinished(() => release.resolve());
    const { fragment, processor } = await makeProbe(
      sqliteAdapter(":memory:"),
      freshNamespace(),
      async (_payload, ctx) => {
        const stop = Promise.race([aborted(ctx.signal), release.promise]);
        await ctx.transaction(() => {
          started.resolve();
          return stop;
        });
      },
    );
    await fragment.services.trigger();
    await processor.wake();
    await started.promise;
    // What a poll does meanwhile: it waits for the transaction, and the transaction for its signal.
    void processor.wake().catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(await soon(processor.stop({ deadlineMs: 10 }).then(() => "stopped"))).toBe("stopped");
  });

  it("although there are many finished hooks to prune", async () => {
    const path = await freshFile();
    const namespace = freshNamespace();
    const filler = await makeProbe(sqliteAdapter(path), namespace);
    await filler.fragment.services.triggerMany(Array<number>(3_500).fill(0));
    await filler.processor.processDue();
    await filler.fragment.databaseAdapter.close();
    const pruning = signal();
    const stopping = signal();
    let prunes = 0;
    const adapter = sqliteAdapter(path, {
      async onStatement({ statement, phase }) {
        if (statement !== "prune" || phase !== "before") return;
        prunes += 1;
        pruning.resolve();
        await stopping.promise;
      },
    });
    onTestFinished(() => adapter.close());
    const retention = { completedMs: 0 };
    const { processor } = await makeProbe(adapter, namespace, () => {}, { retention, random: () => 0 });
    const waking = processor.wake();
    await pruning.promise;
    const stopped = processor.stop({ deadlineMs: 0 });
    stopping.resolve();
    await Promise.all([waking, stopped]);
    expect(prunes).toBe(1);
  });

  it("processDue during a stop leaves running hooks the time that the stop gave them", async () => {
    const adapter = sqliteAdapter(":memory:");
    onTestFinished(() => adapter.close());
    const finish = signal();
    const { fragment, processor, events } = await makeProbe(adapter, freshNamespace(), (_payload, ctx) =>
      Promise.race([finish.promise, aborted(ctx.signal)]),
    );
    await fragment.services.trigger();
    await processor.wake();
    const stopped = processor.stop({ deadlineMs: 10_000 });
    await processor.processDue({ deadlineMs: 1_000 });
    finish.resolve();
    await stopped;
    expect(events.map(({ type }) => type)).toEqual(["claimed", "completed"]);
  });
});

describe("a processor that is used again after a deadline", () => {
  it("still settles what a passing failure of the database delayed", async () => {
    let fails = 0;
    const adapter = sqliteAdapter(":memory:", {
      onStatement({ verb, statement, phase }) {
        if (verb !== "settle" || statement !== "begin" || phase !== "before" || fails === 0) return;
        fails -= 1;
        throw diskFailure();
      },
    });
    onTestFinished(() => adapter.close());
    let hangs = true;
    const { fragment, processor } = await makeProbe(adapter, freshNamespace(), (_payload, ctx) =>
      hangs ? aborted(ctx.signal) : undefined,
    );
    const id = await fragment.services.trigger();
    expect(await processor.processDue({ deadlineMs: 20 })).toMatchObject({ givenBack: 1 });
    hangs = false;
    fails = 1;
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed" });
  });
});

describe.each([
  ["node:sqlite", () => sqliteAdapter(":memory:")],
  ["a small pool of postgres.js", () => postgresAdapter(inject("postgresUrl"), { max: 2 })],
] as const)("isolation from hung transactions, on %s", (_name, open) => {
  it("once their hooks have timed out, other hooks go on", async () => {
    const release = signal();
    onTestFinished(() => release.resolve());
    const { fragment, processor, events } = await makeProbe(
      open(),
      freshNamespace(),
      async (payload, ctx) => {
        if (payload === "hung") await ctx.transaction(() => release.promise);
      },
    );
    await fragment.services.triggerMany(["hung", "hung"], { timeoutMs: 50 });
    await fragment.services.trigger("other");
    await processor.wake();
    expect(await comesTrue(() => events.some(({ type }) => type === "completed"))).toBe(true);
    expect(await comesTrue(() => events.filter(({ type }) => type === "failed").length === 2)).toBe(true);
  });
});
