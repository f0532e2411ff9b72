import { createDurableHooksProcessor } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { comesTrue } from "./bounded.ts";

/** A processor of two slots whose hooks pass quickly, so that it claims ahead, until they are told to hang. */
async function quickThenHung() {
  const adapter = sqliteAdapter(":memory:");
  onTestFinished(() => adapter.close());
  const release = signal();
  onTestFinished(() => release.resolve());
  const started: string[] = [];
  const { fragment, processor, events } = await makeProbe(
    adapter,
    freshNamespace(),
    async (payload) => {
      if (payload === "quick") return;
      started.push(payload as string);
      if (String(payload).startsWith("hangs")) await release.promise;
    },
    { concurrency: 2 },
  );
  await fragment.services.triggerMany(Array.from({ length: 50 }, () => "quick"));
  await fragment.services.triggerMany(["hangs 1", "hangs 2", "waits 1", "waits 2"]);
  await processor.wake();
  expect(await comesTrue(() => started.length === 2)).toBe(true);
  return { adapter, fragment, processor, events, started, release };
}

describe("hooks that were claimed ahead of their slots", () => {
  it("are given back when no slot comes free, with no attempt used up", async () => {
    const { fragment, events, started } = await quickThenHung();
    expect(await comesTrue(async () => (await fragment.hooks.count()).processing === 2)).toBe(true);
    expect(started).toEqual(["hangs 1", "hangs 2"]);
    const { hooks } = await fragment.hooks.list({ status: "pending" });
    expect(hooks.map(({ payload, attempts, lost }) => [payload, attempts, lost])).toEqual([
      ["waits 2", 0, 0],
      ["waits 1", 0, 0],
    ]);
    expect(events.filter(({ type }) => type === "lost" || type === "failed")).toEqual([]);
  });

  it("do not keep another processor from running them", async () => {
    const { fragment, started } = await quickThenHung();
    const other = createDurableHooksProcessor(fragment);
    expect(
      await comesTrue(async () => {
        await other?.wake();
        return started.length === 4;
      }),
    ).toBe(true);
    expect(started.slice(2)).toEqual(["waits 1", "waits 2"]);
    await other?.stop();
  });

  it("are claimed again as soon as a slot comes free, in their order, without a dispatcher", async () => {
    const { fragment, started, release } = await quickThenHung();
    expect(await comesTrue(async () => (await fragment.hooks.count()).processing === 2)).toBe(true);
    release.resolve();
    expect(await comesTrue(() => started.length === 4)).toBe(true);
    expect(started.slice(2)).toEqual(["waits 1", "waits 2"]);
  });

  it("are given back by a stop, in no time", async () => {
    const { fragment, processor, started, release } = await quickThenHung();
    const stopped = processor.stop({ deadlineMs: 60_000 });
    expect(await comesTrue(async () => (await fragment.hooks.count()).pending === 2)).toBe(true);
    release.resolve();
    await stopped;
    expect(started).toEqual(["hangs 1", "hangs 2"]);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 2, processing: 0, completed: 52 });
  });
});
