import { instantiate, migrate } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { newerRelease } from "./release.ts";
import { startWorker } from "./start-worker.ts";

const samples = 21;

describe("a triggered hook starts within 20 ms", () => {
  const sqlite = useDatabase("node:sqlite on a file");
  const postgres = useDatabase("postgres.js");

  it("in the same process, on SQLite", async () => {
    let startedAt = 0;
    const { fragment, processor } = await makeProbe(sqlite.adapter(), freshNamespace(), () => {
      startedAt = performance.now();
    });
    const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: 5_000 });
    dispatcher.startPolling();
    onTestFinished(() => dispatcher.stopPolling());
    const latencies: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      startedAt = 0;
      await fragment.services.trigger();
      const triggeredAt = performance.now();
      await eventually(() => startedAt !== 0, { withinMs: 2_000 });
      latencies.push(startedAt - triggeredAt);
    }
    expect(median(latencies)).toBeLessThan(20);
  });

  it("in another process, on PostgreSQL with NOTIFY", async () => {
    const namespace = freshNamespace();
    const databaseAdapter = postgres.adapter();
    const fragment = instantiate(newerRelease)
      .withConfig({ record: async () => {} })
      .withOptions({ databaseAdapter, namespace })
      .build();
    await migrate(fragment);
    await startWorker({ location: postgres.location ?? "", namespaces: [namespace], pollIntervalMs: 60_000 });
    const latencies: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const [id = ""] = await fragment.services.order([{ act: "return" }]);
      const triggeredAt = Date.now();
      await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", {
        withinMs: 5_000,
      });
      const start = (await fragment.services.runs()).find(
        ({ hook, phase }) => hook === id && phase === "start",
      );
      latencies.push((start?.at ?? Infinity) - triggeredAt);
    }
    expect(median(latencies)).toBeLessThan(20);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
}
