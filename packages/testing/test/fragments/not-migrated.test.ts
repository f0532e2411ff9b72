import { createDurableHooksProcessor, instantiate, isSherdError, migrate } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, probeDefinition } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

describe.each(everyDatabase)("a database that was not migrated, on %s", (kind) => {
  const probes = useProbes(kind);

  function open() {
    const fragment = instantiate(probeDefinition)
      .withConfig({ run() {} })
      .withOptions({ databaseAdapter: probes.adapter(), namespace: freshNamespace() })
      .build();
    const processor = createDurableHooksProcessor(fragment);
    if (processor === null) throw new Error("The fragment has hooks, so it has a processor.");
    return { fragment, processor };
  }

  // The tests of this file go on from each other: at first there is nothing at all.
  it("every call says NOT_MIGRATED and what to do, and works as soon as it is", async () => {
    const { fragment, processor } = open();
    const calls = {
      service: () => fragment.services.trigger(),
      transaction: () => fragment.transaction(async () => {}),
      wake: () => processor.wake(),
      processDue: () => processor.processDue(),
      getNextWakeInMs: () => processor.getNextWakeInMs(),
      list: () => fragment.hooks.list({ status: "pending" }),
      get: () => fragment.hooks.get(crypto.randomUUID()),
      count: () => fragment.hooks.count(),
      retry: () => fragment.hooks.retry(crypto.randomUUID()),
      cancel: () => fragment.hooks.cancel(crypto.randomUUID()),
      prune: () => fragment.hooks.prune({ status: "failed", olderThanMs: 0 }),
    };
    for (const [name, call] of Object.entries(calls)) {
      const refused = await rejection(call());
      expect({ name, refused }).toMatchObject({ name, refused: { code: "NOT_MIGRATED", retryable: false } });
      for (const owner of ["fragment", "databaseAdapter"])
        expect((refused as Error).message).toContain(`await migrate(${owner})`);
    }
    await migrate(fragment);
    await fragment.services.trigger();
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("with the kernel there, a fragment whose own tables are missing says so", async () => {
    const { fragment, processor } = open();
    for (const call of [() => fragment.services.trigger(), () => processor.wake()]) {
      const refused = await rejection(call());
      expect(isSherdError(refused, "NOT_MIGRATED") && refused.details).toEqual({
        scope: fragment.namespace,
        missing: ["0001_init"],
      });
    }
  });

  it("a dispatcher that was started too early reports it, and begins once it is migrated", async () => {
    const { fragment, processor } = open();
    const errors: unknown[] = [];
    const dispatcher = createDurableHooksDispatcher({
      processor,
      pollIntervalMs: 200,
      onError: (error) => errors.push(error),
    });
    dispatcher.startPolling();
    onTestFinished(() => dispatcher.stopPolling());
    await eventually(() => errors.length > 0, { withinMs: 5_000 });
    expect(errors[0]).toMatchObject({ code: "NOT_MIGRATED" });
    await migrate(fragment);
    const id = await fragment.services.trigger();
    await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", { withinMs: 5_000 });
  });
});
