import {
  createDurableHooksProcessor,
  custom,
  defineFragment,
  type FailedAttempt,
  fixed,
  hook,
  instantiate,
  isSherdError,
  migrate,
  NonRetryable,
  noRetry,
  RetryAfter,
} from "@sherd/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const pagesDefinition = defineFragment<{ readonly seen: unknown[] }>("pages")
  .withHooks(({ config }) => ({
    report: hook({ input: z.string(), run: (text) => void config.seen.push(text) }),
  }))
  .withHooks(({ config }) => ({
    read: hook({
      input: z.object({ page: z.number() }),
      async run({ page }, ctx) {
        config.seen.push(page);
        await ctx.transaction(async (uow) => {
          if (page < 3) uow.triggerSelf({ page: page + 1 });
          else uow.triggerHook("report", "all read");
        });
      },
    }),
  }))
  .build();

describe.each(everyDatabase)("handlers, on %s", (kind) => {
  const probes = useProbes(kind);

  it("a custom policy decides after each failure, and its null ends the hook", async () => {
    const asked: FailedAttempt[] = [];
    const retry = custom({
      maxAttempts: 10,
      delay(failed) {
        asked.push(failed);
        return failed.attempt < 3 ? 0 : null;
      },
    });
    const failure = new Error("no");
    const { fragment, processor } = await probes.make(() => Promise.reject(failure), { retry });
    const id = await fragment.services.trigger();
    await processor.processDue();
    expect(asked).toEqual([1, 2, 3].map((attempt) => ({ attempt, maxAttempts: 10, error: failure })));
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "failed", failures: 3, maxAttempts: 10 });
  });

  it("a trigger's own policy overrules the hook's, and is stored with it", async () => {
    const { fragment, processor } = await probes.make(() => Promise.reject(new Error("no")), {
      retry: noRetry(),
    });
    const retried = await fragment.services.trigger(1, { retry: fixed({ delayMs: 0, maxAttempts: 4 }) });
    const later = await fragment.services.trigger(2, {
      retry: fixed({ delayMs: 3_600_000, maxAttempts: 2 }),
    });
    const once = await fragment.services.trigger(3);
    await processor.processDue();
    expect(await fragment.hooks.get(retried)).toMatchObject({
      status: "failed",
      failures: 4,
      maxAttempts: 4,
    });
    expect(await fragment.hooks.get(once)).toMatchObject({ status: "failed", failures: 1, maxAttempts: 1 });
    const waiting = await fragment.hooks.get(later);
    expect(waiting).toMatchObject({ status: "pending", failures: 1 });
    expect(Math.abs((waiting?.dueAt?.getTime() ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });

  it("NonRetryable ends a hook at once, and RetryAfter says when the next attempt is", async () => {
    const { fragment, processor } = await probes.make(
      (payload) => Promise.reject(payload === "final" ? new NonRetryable("gone") : new RetryAfter(7_200_000)),
      { retry: fixed({ delayMs: 0, maxAttempts: 5 }) },
    );
    const [final = "", after = ""] = await fragment.services.triggerMany(["final", "after"]);
    expect(await processor.processDue()).toMatchObject({ failed: 2 });
    expect(await fragment.hooks.get(final)).toMatchObject({
      status: "failed",
      lastError: { message: "gone" },
    });
    const dueAt = (await fragment.hooks.get(after))?.dueAt?.getTime() ?? 0;
    expect(Math.abs(dueAt - Date.now() - 7_200_000)).toBeLessThan(60_000);
  });

  it("a trigger's own timeout overrules the hook's", async () => {
    const reasons: unknown[] = [];
    const { fragment, processor } = await probes.make(
      (_payload, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason as Error);
          });
        }),
      { retry: noRetry() },
    );
    const id = await fragment.services.trigger(1, { timeoutMs: 30 });
    expect(await processor.processDue({ deadlineMs: 10_000 })).toMatchObject({ failed: 1 });
    expect(reasons).toMatchObject([{ code: "HOOK_TIMEOUT", details: { id, timeoutMs: 30 } }]);
    expect(await fragment.hooks.get(id)).toMatchObject({ lastError: { code: "HOOK_TIMEOUT" } });
  });

  it("a handler knows its id, its attempt, its trace and when it was triggered; its key stays the same", async () => {
    const seen: unknown[] = [];
    const { fragment, processor } = await probes.make(
      (_payload, { id, idempotencyKey, attempt, maxAttempts, trace, createdAt }) => {
        seen.push({ id, idempotencyKey, attempt, maxAttempts, trace });
        expect(Math.abs(createdAt.getTime() - Date.now())).toBeLessThan(60_000);
        if (attempt === 1) throw new Error("once more");
      },
      { retry: fixed({ delayMs: 0, maxAttempts: 2 }) },
    );
    const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    const id = await fragment.services.trigger(1, { trace });
    await processor.processDue();
    const about = { id, idempotencyKey: id, maxAttempts: 2, trace };
    expect(seen).toEqual([
      { ...about, attempt: 1 },
      { ...about, attempt: 2 },
    ]);
  });

  it("a hook that is due later shows when, and does not run before", async () => {
    const { fragment, processor } = await probes.make();
    const processAt = new Date(Date.now() + 3_600_000);
    const id = await fragment.services.trigger(1, { processAt });
    const { completed, nextWakeAt } = await processor.processDue();
    expect(completed).toBe(0);
    expect(Math.abs((nextWakeAt?.getTime() ?? 0) - processAt.getTime())).toBeLessThan(60_000);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", dueAt: processAt });
    const overdue = await fragment.services.trigger(2, { processAt: new Date(0) });
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(await fragment.hooks.get(overdue)).toMatchObject({ status: "completed" });
  });

  it("in ctx.transaction a hook triggers itself anew, and those of earlier calls", async () => {
    const seen: unknown[] = [];
    const fragment = instantiate(pagesDefinition)
      .withConfig({ seen })
      .withOptions({ databaseAdapter: probes.adapter(), namespace: freshNamespace() })
      .build();
    await migrate(fragment);
    await fragment.transaction(async (uow) => uow.triggerHook("read", { page: 1 }));
    expect(await createDurableHooksProcessor(fragment)?.processDue()).toMatchObject({ completed: 4 });
    expect(seen).toEqual([1, 2, 3, "all read"]);
  });

  it("a second ctx.transaction after one that committed is TRANSACTION_ENDED; after one that failed it is not", async () => {
    const refused: unknown[] = [];
    const { fragment, processor } = await probes.make(async (_payload, ctx) => {
      const failure = new Error("rolled back");
      expect(await rejection(ctx.transaction(() => Promise.reject(failure)))).toBe(failure);
      await ctx.transaction((uow) => uow.services.note(ctx.id, "first"));
      refused.push(await rejection(ctx.transaction((uow) => uow.services.note(ctx.id, "second"))));
    });
    await fragment.services.trigger();
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(isSherdError(refused[0], "TRANSACTION_ENDED")).toBe(true);
    expect((await fragment.services.effects()).map(({ note }) => note)).toEqual(["first"]);
  });

  it("ctx.transaction of a hook that was cancelled is CANCELLED, and what it wrote rolls back", async () => {
    const refused: unknown[] = [];
    const { fragment, processor } = await probes.make(async (_payload, ctx) => {
      expect(await fragment.hooks.cancel(ctx.id)).toBe("requested");
      refused.push(await rejection(ctx.transaction((uow) => uow.services.note(ctx.id, "written"))));
    });
    const id = await fragment.services.trigger();
    await processor.processDue();
    expect(isSherdError(refused[0], "CANCELLED") && refused[0].details).toEqual({ id });
    expect(await fragment.services.effects()).toEqual([]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "cancelled" });
  });
});
