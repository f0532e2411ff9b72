import { fixed, isSherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { loseLeases, stalled } from "./stalled-process.ts";
import { freshNamespace, makeProbe, type Run } from "./probe.ts";

describe.each(everyDatabase)("3. Exactly-once database effects, on %s", (kind) => {
  const database = useDatabase(kind);

  it("what ctx.transaction writes and triggers commits together with the hook's completion", async () => {
    const { fragment, processor, events } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      async (payload, ctx) => {
        if (payload === "child") return;
        await ctx.transaction(async (uow) => {
          await uow.db.insert(uow.tables.effect).values({ hook: ctx.id, note: "done" });
          uow.triggerHook("extra", "child");
        });
      },
    );
    const id = await fragment.services.trigger("parent");
    expect(await processor.processDue()).toMatchObject({ completed: 2, failed: 0 });
    expect(await fragment.services.effects()).toMatchObject([{ hook: id, note: "done" }]);
    expect(events.filter(({ type }) => type === "completed")).toHaveLength(2);
  });

  it("a handler that fails inside ctx.transaction leaves nothing behind, and its retry writes once", async () => {
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (_payload, ctx) =>
        ctx.transaction(async (uow) => {
          await uow.db.insert(uow.tables.effect).values({ hook: ctx.id, note: `attempt ${ctx.attempt}` });
          if (ctx.attempt === 1) throw new Error("after the write");
        }),
      { retry: fixed({ delayMs: 0, maxAttempts: 3 }) },
    );
    await fragment.services.trigger();
    expect(await processor.processDue()).toMatchObject({ completed: 1, failed: 1 });
    expect(await fragment.services.effects()).toMatchObject([{ note: "attempt 2" }]);
  });

  it("what fails after ctx.transaction has committed is not retried: the hook has completed", async () => {
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      async (_payload, ctx) => {
        await ctx.transaction((uow) => uow.services.note(ctx.id, "done"));
        throw new Error("too late to matter");
      },
    );
    const id = await fragment.services.trigger();
    expect(await processor.processDue()).toMatchObject({ completed: 1, failed: 0 });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed" });
    expect(await fragment.services.effects()).toHaveLength(1);
  });

  it("a stale attempt rolls back with LEASE_LOST, and the live one writes once", async () => {
    const started = signal();
    const lost = signal();
    const refused = signal<unknown>();
    const adapter = database.adapter();
    const run = async (_payload: unknown, ctx: Parameters<Run>[1]) => {
      if (ctx.attempt === 1) {
        started.resolve();
        await lost.promise;
      }
      const writing = ctx.transaction((uow) => uow.services.note(ctx.id, `attempt ${ctx.attempt}`));
      if (ctx.attempt === 1) await writing.catch((error: unknown) => refused.resolve(error));
      await writing;
    };
    const { fragment, processor } = await makeProbe(adapter, freshNamespace(), run, stalled);
    await fragment.services.trigger();
    await processor.wake();
    await started.promise;
    await loseLeases(adapter, fragment.namespace);
    await processor.wake();
    lost.resolve();
    expect(isSherdError(await refused.promise, "LEASE_LOST")).toBe(true);
    await processor.idle();
    expect(await fragment.services.effects()).toMatchObject([{ note: "attempt 2" }]);
    expect(await fragment.hooks.count()).toMatchObject({ completed: 1, pending: 0, processing: 0 });
  });
});
