import { createDurableHooksProcessor, instantiate, migrate } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { postgresAdapter } from "@sherd/postgres";
import { eventually } from "@sherd/testing";
import { expect, it, onTestFinished } from "vitest";
import { startPostgres } from "../../../../tooling/postgres.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { newerRelease, type Order, type Run } from "./release.ts";
import { startWorker } from "./start-worker.ts";

it("the database crashes in the middle of 1,000 hooks, and none is lost", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const databaseAdapter = postgresAdapter(server.url);
  onTestFinished(() => databaseAdapter.close());
  const namespace = freshNamespace();
  const runs = new Map<string, number>();
  const errors: unknown[] = [];
  const config = { record: async ({ hook }: Run) => void runs.set(hook, (runs.get(hook) ?? 0) + 1) };
  const fragment = instantiate(newerRelease)
    .withConfig(config)
    .withOptions({
      databaseAdapter,
      namespace,
      durableHooks: { concurrency: 20, leaseMs: 2_000 },
      onError: (error) => errors.push(error),
    })
    .build();
  await migrate(fragment);
  const ids = await fragment.services.order(Array<Order>(1_000).fill({ act: "take", ms: 20 }));
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The fragment has hooks.");
  const dispatcher = createDurableHooksDispatcher({
    processor,
    pollIntervalMs: 200,
    onError: (error) => errors.push(error),
  });
  dispatcher.startPolling();
  // Another process beside it, whose connections break too.
  await startWorker({
    location: server.url,
    namespaces: [namespace],
    durableHooks: { leaseMs: 2_000, concurrency: 5 },
  });
  await eventually(() => runs.size >= 200, { withinMs: 15_000 });
  await server.restart();
  await eventually(async () => (await fragment.hooks.count().catch(() => null))?.completed === ids.length, {
    withinMs: 60_000,
  });
  await dispatcher.stopPolling();
  expect(errors.length).toBeGreaterThan(0);
  expect(await fragment.hooks.count()).toMatchObject({
    pending: 0,
    processing: 0,
    failed: 0,
    completed: 1_000,
  });
}, 120_000);
