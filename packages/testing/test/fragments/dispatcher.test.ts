import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type DatabaseAdapter, SherdError, type StatementObserver } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { sqliteAdapter } from "@sherd/sqlite";
import { eventually } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe, type Run } from "../guarantees/probe.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("polling-process.ts", import.meta.url));

/** An adapter whose wake-ups all get lost. */
function deaf(adapter: DatabaseAdapter): DatabaseAdapter {
  return {
    ...adapter,
    notifier: { publish() {}, publishOnCommit: async () => {}, subscribe: async () => async () => {} },
  };
}

async function open(given: {
  readonly run?: Run;
  readonly pollIntervalMs?: number;
  readonly isDeaf?: boolean;
  readonly onStatement?: StatementObserver;
}) {
  const { onStatement, pollIntervalMs = 60_000 } = given;
  const adapter = sqliteAdapter(":memory:", onStatement === undefined ? {} : { onStatement });
  onTestFinished(() => adapter.close());
  const probe = await makeProbe(given.isDeaf ? deaf(adapter) : adapter, freshNamespace(), given.run);
  const errors: unknown[] = [];
  const dispatcher = createDurableHooksDispatcher({
    processor: probe.processor,
    pollIntervalMs,
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => dispatcher.stopPolling({ deadlineMs: 0 }));
  return { ...probe, dispatcher, errors };
}

describe("the Node dispatcher, on SQLite", () => {
  it("finds work whose wake-up was lost at its next poll", async () => {
    const slept = signal();
    const onStatement: StatementObserver = ({ verb, phase }) => {
      if (verb === "nextWakeInMs" && phase === "after") setImmediate(slept.resolve);
    };
    const { fragment, dispatcher } = await open({ isDeaf: true, pollIntervalMs: 100, onStatement });
    dispatcher.startPolling();
    // Its first look found nothing, and nothing told it to look again.
    await slept.promise;
    const id = await fragment.services.trigger();
    await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", { withinMs: 3_000 });
  });

  it("wakes by itself for what becomes due, at its time and long before its poll", async () => {
    const startedAt = signal<number>();
    const { fragment, dispatcher } = await open({ isDeaf: true, run: () => startedAt.resolve(Date.now()) });
    const dueAt = Date.now() + 400;
    await fragment.services.trigger(1, { processAt: new Date(dueAt) });
    dispatcher.startPolling();
    const lateMs = (await startedAt.promise) - dueAt;
    expect(lateMs).toBeGreaterThanOrEqual(-1);
    expect(lateMs).toBeLessThan(200);
  });

  it("wake looks at once, without a wake-up and without a poll", async () => {
    const { fragment, dispatcher, processor } = await open({ isDeaf: true });
    dispatcher.startPolling();
    await processor.idle();
    const id = await fragment.services.trigger();
    dispatcher.wake();
    await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", { withinMs: 3_000 });
  });

  it("stopPolling drains: what runs may end, what waits is left, and nothing is claimed after it", async () => {
    const started = signal();
    const release = signal();
    const { fragment, dispatcher } = await open({
      async run(payload) {
        if (payload !== "runs") return;
        started.resolve();
        await release.promise;
      },
    });
    dispatcher.startPolling();
    const running = await fragment.services.trigger("runs");
    await started.promise;
    const stopped = dispatcher.stopPolling();
    const waiting = await fragment.services.trigger("waits");
    dispatcher.wake();
    release.resolve();
    await stopped;
    expect(await fragment.hooks.get(running)).toMatchObject({ status: "completed" });
    expect(await fragment.hooks.get(waiting)).toMatchObject({ status: "pending", attempts: 0 });
    dispatcher.startPolling();
    dispatcher.wake();
    expect(await dispatcher.stopPolling()).toBeUndefined();
    expect(await fragment.hooks.get(waiting)).toMatchObject({ status: "pending", attempts: 0 });
  });

  it("at its deadline stopPolling gives running hooks back, with no attempt used up", async () => {
    const started = signal();
    const { fragment, dispatcher } = await open({
      run: (_payload, ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
          started.resolve();
        }),
    });
    dispatcher.startPolling();
    const id = await fragment.services.trigger();
    await started.promise;
    await dispatcher.stopPolling({ deadlineMs: 20 });
    expect(await fragment.hooks.get(id)).toMatchObject({
      status: "pending",
      attempts: 0,
      failures: 0,
      lost: 0,
    });
  });

  it.each([-1, Number.NaN, 0.5])(
    "stopPolling with a deadline of %d, which is none, is refused and stops nothing; the next call does",
    async (deadlineMs) => {
      const started = signal();
      const release = signal();
      const { fragment, dispatcher, processor, errors } = await open({
        run() {
          started.resolve();
          return release.promise;
        },
      });
      dispatcher.startPolling();
      const id = await fragment.services.trigger();
      await started.promise;
      const refused = await dispatcher.stopPolling({ deadlineMs }).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: "INVALID_OPTION",
        details: { option: "stopPolling.deadlineMs" },
      });
      const stopped = dispatcher.stopPolling();
      release.resolve();
      await stopped;
      expect(processor.running).toBe(0);
      expect((await fragment.hooks.get(id))?.status).not.toBe("processing");
      expect(errors).toEqual([]);
      const later = await fragment.services.trigger();
      await processor.wake();
      expect(await fragment.hooks.get(later)).toMatchObject({ status: "pending" });
    },
  );

  it("a hook's commit inside a handler wakes it, also when it was triggered for another fragment", async () => {
    const adapter = sqliteAdapter(":memory:");
    onTestFinished(() => adapter.close());
    const chained: unknown[] = [];
    const second = await makeProbe(adapter, freshNamespace(), (payload) => void chained.push(payload));
    const first = await makeProbe(adapter, freshNamespace(), (_payload, ctx) =>
      ctx.transaction(async (uow) => void (await uow.use(second.fragment).services.trigger("chained"))),
    );
    const processors = [first.processor, second.processor];
    const dispatcher = createDurableHooksDispatcher({ processors, pollIntervalMs: 60_000 });
    onTestFinished(() => dispatcher.stopPolling());
    dispatcher.startPolling();
    await first.fragment.services.trigger();
    await eventually(() => chained.length === 1, { withinMs: 3_000 });
  });

  it("reports an error of the database, and recovers without a wake-up", async () => {
    let isDown = true;
    const down = new SherdError("DATABASE_UNAVAILABLE", "It is down.", { verb: "sweep" });
    const adapter = sqliteAdapter(":memory:", {
      onStatement({ verb, phase }) {
        if (isDown && verb === "sweep" && phase === "before") throw down;
      },
    });
    onTestFinished(() => adapter.close());
    const { fragment, processor } = await makeProbe(deaf(adapter), freshNamespace());
    const errors: unknown[] = [];
    const dispatcher = createDurableHooksDispatcher({
      processor,
      pollIntervalMs: 60_000,
      onError: (error, { namespace }) => errors.push([error, namespace]),
    });
    onTestFinished(() => dispatcher.stopPolling());
    const id = await fragment.services.trigger();
    dispatcher.startPolling();
    await eventually(() => errors.length === 2, { withinMs: 3_000 });
    expect(errors).toEqual([
      [down, fragment.namespace],
      [down, fragment.namespace],
    ]);
    isDown = false;
    await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", { withinMs: 3_000 });
  });

  it("keeps its process alive while it polls, and lets it end after stopPolling", async () => {
    const { stdout } = await run(process.execPath, ["--conditions=@sherd/source", script], {
      timeout: 15_000,
    });
    expect(stdout.trim().split("\n")).toEqual(["ran", "stopped"]);
  }, 20_000);
});
