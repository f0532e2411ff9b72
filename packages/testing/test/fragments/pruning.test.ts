import { type Clock, type HookStatus, isSherdError, noRetry, systemClock } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import type { Probe } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const hourMs = 3_600_000;

/** One hook that completed, one that failed, one that was cancelled, and one that waits. */
async function oneOfEach({ fragment, processor }: Probe): Promise<void> {
  await fragment.hooks.cancel(await fragment.services.trigger("cancelled"));
  await fragment.services.triggerMany(["completes", "fails"]);
  await processor.processDue();
  await fragment.services.trigger("waits", { processAt: new Date(Date.now() + hourMs) });
}

describe.each(everyDatabase)("pruning, on %s", (kind) => {
  const probes = useProbes(kind);
  const run = (payload: unknown) => {
    if (payload === "fails") throw new Error("no");
  };

  it("prune deletes what ended so and is older, and nothing else", async () => {
    const probe = await probes.make(run, { retry: noRetry() });
    await oneOfEach(probe);
    const { hooks } = probe.fragment;
    for (const status of ["completed", "failed", "cancelled"] as const) {
      expect(await hooks.prune({ status, olderThanMs: hourMs })).toBe(0);
    }
    expect(await hooks.count()).toMatchObject({ completed: 1, failed: 1, cancelled: 1, pending: 1 });
    const prune = (status: "completed" | "failed" | "cancelled") =>
      eventually(() => hooks.prune({ status, olderThanMs: 0 }), { withinMs: 2_000 });
    expect(await prune("completed")).toBe(1);
    expect(await hooks.count()).toMatchObject({ completed: 0, failed: 1, cancelled: 1, pending: 1 });
    expect(await prune("failed")).toBe(1);
    expect(await prune("cancelled")).toBe(1);
    expect(await hooks.count()).toMatchObject({ completed: 0, failed: 0, cancelled: 0, pending: 1 });
  });

  it("prune refuses hooks that are still needed, and an age that is none", async () => {
    const { fragment } = await probes.make();
    for (const status of ["pending", "processing", "gone"] as HookStatus[]) {
      const refused = await rejection(fragment.hooks.prune({ status: status as "failed", olderThanMs: 0 }));
      expect(isSherdError(refused, "INVALID_OPTION")).toBe(true);
    }
    const refused = await rejection(fragment.hooks.prune({ status: "failed", olderThanMs: -1 }));
    expect(isSherdError(refused, "INVALID_OPTION")).toBe(true);
  });

  it("the processor prunes by itself what has outlived its retention, and keeps what has none", async () => {
    let laterMs = 0;
    const clock: Clock = { ...systemClock, elapsed: () => performance.now() + laterMs };
    const seams = { clock, random: () => 0, retry: noRetry() };
    const strict = await probes.make(run, {
      ...seams,
      retention: { completedMs: 0, cancelledMs: 0, failedMs: 0 },
    });
    const keeping = await probes.make(run, {
      ...seams,
      retention: { completedMs: null, cancelledMs: hourMs, failedMs: null },
    });
    await oneOfEach(strict);
    await oneOfEach(keeping);
    laterMs = hourMs;
    await strict.processor.processDue();
    await keeping.processor.processDue();
    const untouched = { completed: 1, failed: 1, cancelled: 1, pending: 1 };
    expect(await strict.fragment.hooks.count()).toMatchObject({
      completed: 0,
      failed: 0,
      cancelled: 0,
      pending: 1,
    });
    expect(await keeping.fragment.hooks.count()).toMatchObject(untouched);
  });

  it("the processor prunes when it is told to, however short it lives, and calls meanwhile share one round", async () => {
    const retention = { completedMs: 0, cancelledMs: 0, failedMs: hourMs };
    const probe = await probes.make(run, { retention, retry: noRetry() });
    await oneOfEach(probe);
    const left = { completed: 0, failed: 1, cancelled: 0, pending: 1 };
    const prunedAll = async () => {
      await Promise.all([probe.processor.prune(), probe.processor.prune()]);
      const { completed, cancelled } = await probe.fragment.hooks.count();
      return completed + cancelled === 0;
    };
    await eventually(prunedAll, { withinMs: 2_000 });
    expect(await probe.fragment.hooks.count()).toMatchObject(left);
  });
});
