import {
  type AnyFragment,
  type ErrorContext,
  fixed,
  instantiate,
  createDurableHooksProcessor,
  migrate,
  SherdError,
  type StuckProcessingHooks,
} from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyDatabase, sharedDatabases, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe, probeDefinition, type Run } from "../guarantees/probe.ts";
import { stalled } from "../guarantees/stalled-process.ts";
import { useProbes } from "./use-probe.ts";

const unavailable = new SherdError("DATABASE_UNAVAILABLE", "It is down.", { verb: "claim" });

describe.each(everyDatabase)("callbacks, on %s", (kind) => {
  let failsClaims = false;
  const probes = useProbes(kind, {
    onStatement({ verb, phase }) {
      if (failsClaims && verb === "claim" && phase === "before") throw unavailable;
    },
  });

  async function makeWithErrors(run: Run, durableHooks: object) {
    const errors: (readonly [unknown, ErrorContext])[] = [];
    const fragment = instantiate(probeDefinition)
      .withConfig({ run })
      .withOptions({
        databaseAdapter: probes.adapter(),
        namespace: freshNamespace(),
        durableHooks,
        onError: (error, context) => errors.push([error, context]),
      })
      .build();
    await migrate(fragment);
    const processor = createDurableHooksProcessor(fragment);
    if (processor === null) throw new Error("The fragment has hooks, so it has a processor.");
    return { fragment, processor, errors };
  }

  /** A worker beside the stalled one, for which it waits until there is a lease to find. */
  async function wakeAnother(fragment: AnyFragment): Promise<void> {
    const another = createDurableHooksProcessor(fragment);
    await eventually(async () => (await another?.getNextWakeInMs()) === 0, { withinMs: 3_000 });
    await another?.wake();
    await another?.idle();
  }

  it("a worker's lost lease is told to onStuckProcessingHooks by the worker that finds it", async () => {
    const stuck: StuckProcessingHooks[] = [];
    const { fragment, processor, events } = await probes.make(
      (_payload, { attempt }) => (attempt === 1 ? new Promise(() => {}) : undefined),
      { ...stalled, owner: "worker 1", onStuckProcessingHooks: (each) => stuck.push(each) },
    );
    const id = await fragment.services.trigger();
    await processor.wake();
    await wakeAnother(fragment);
    const lost = { id, name: "work", owner: "worker 1", lost: 1, end: "ready" };
    expect(stuck).toMatchObject([{ namespace: fragment.namespace, timeoutMinutes: 10, events: [lost] }]);
    expect(stuck[0]?.events).toHaveLength(1);
    expect(events.find(({ type }) => type === "lost")).toEqual({
      type: "lost",
      namespace: fragment.namespace,
      ...lost,
    });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", lost: 1, attempts: 2 });
  });

  it("a lost attempt is on record among the errors of its hook, like every other that did not complete", async () => {
    const { fragment, processor } = await probes.make(
      (_payload, { attempt }) => (attempt === 1 ? new Promise(() => {}) : undefined),
      stalled,
    );
    const id = await fragment.services.trigger();
    await processor.wake();
    await wakeAnother(fragment);
    const hook = await fragment.hooks.get(id);
    expect(hook).toMatchObject({ status: "completed", attempts: 2 });
    expect(hook?.errors).toMatchObject([{ attempt: 1, code: "LOST" }]);
  });

  it("with maxLost it ends as failed, and that is told too", async () => {
    const stuck: StuckProcessingHooks[] = [];
    const { fragment, processor } = await probes.make(() => new Promise(() => {}), {
      ...stalled,
      maxLost: 1,
      stuckProcessingTimeoutMinutes: false,
      onStuckProcessingHooks: (each) => stuck.push(each),
    });
    const id = await fragment.services.trigger();
    await processor.wake();
    await wakeAnother(fragment);
    expect(stuck).toMatchObject([{ timeoutMinutes: null, events: [{ id, lost: 1, end: "failed" }] }]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "failed" });
  });

  it("callbacks that throw stop nothing, and onError hears of it", async () => {
    const failure = new Error("the logger broke");
    const { fragment, processor, errors } = await makeWithErrors(
      (payload) => {
        if (payload === "fails") throw new Error("no");
      },
      {
        retry: fixed({ delayMs: 0, maxAttempts: 2 }),
        onEvent() {
          throw failure;
        },
      },
    );
    await fragment.services.triggerMany(["fine", "fails", "fine"], { concurrencyKey: "k" });
    await fragment.services.trigger("fine", { key: "k" });
    await fragment.services.trigger("fine", { key: "k" });
    expect(await processor.processDue()).toMatchObject({ completed: 3, failed: 2 });
    expect(errors.length).toBeGreaterThanOrEqual(11);
    for (const each of errors)
      expect(each).toEqual([failure, { namespace: fragment.namespace, during: "callback" }]);
  });

  it("an error of a claim that nobody waits for is told to onError, and the next wake-up goes on", async () => {
    const { fragment, processor, errors } = await makeWithErrors(() => void (failsClaims = true), {
      concurrency: 1,
    });
    onTestFinished(() => void (failsClaims = false));
    await fragment.services.triggerMany([1, 2]);
    await processor.wake();
    await eventually(() => errors.length > 0, { withinMs: 5_000 });
    expect(errors[0]).toMatchObject([
      { code: "DATABASE_UNAVAILABLE" },
      { namespace: fragment.namespace, during: "claim" },
    ]);
    failsClaims = false;
    await processor.wake();
    await eventually(async () => (await fragment.hooks.count()).completed === 2, { withinMs: 5_000 });
  });

  it("a processor whose claims failed is found idle, and a dispatcher takes up its work by itself", async () => {
    const errors: unknown[] = [];
    const { fragment, processor } = await probes.make();
    onTestFinished(() => void (failsClaims = false));
    const dispatcher = createDurableHooksDispatcher({
      processor,
      pollIntervalMs: 60_000,
      onError: (error, { namespace }) => errors.push([error, namespace]),
    });
    failsClaims = true;
    dispatcher.startPolling();
    onTestFinished(() => dispatcher.stopPolling());
    const id = await fragment.services.trigger();
    await eventually(() => errors.length > 1, { withinMs: 5_000 });
    expect(errors[0]).toEqual([unavailable, fragment.namespace]);
    await processor.idle();
    failsClaims = false;
    await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", { withinMs: 5_000 });
  });
});

describe.each(sharedDatabases)("on a connection that is closed, on %s", (kind) => {
  const database = useDatabase(kind);

  it("dispatchers report DATABASE_UNAVAILABLE and still stop, and no lease is taken", async () => {
    const errors: unknown[] = [];
    const adapter = database.adapter();
    const { fragment, processor } = await makeProbe(adapter, freshNamespace());
    await fragment.services.trigger();
    await adapter.close();
    const dispatcher = createDurableHooksDispatcher({ processor, onError: (error) => errors.push(error) });
    dispatcher.startPolling();
    await eventually(() => errors.length > 1, { withinMs: 5_000 });
    await dispatcher.stopPolling({ deadlineMs: 0 });
    for (const error of errors)
      expect(error).toMatchObject({ code: "DATABASE_UNAVAILABLE", retryable: true });
    const again = await makeProbe(database.adapter(), fragment.namespace);
    expect(await again.fragment.hooks.count()).toMatchObject({ pending: 1, processing: 0 });
  });
});
