import {
  type DurableHooksOptions,
  type FragmentOptions,
  instantiate,
  isSherdError,
  type TriggerOptions,
} from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { describe, expect, it } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, probeDefinition } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const dayMs = 86_400_000;

describe.each(everyDatabase)("refused triggers, on %s", (kind) => {
  const probes = useProbes(kind);

  it("a hook that the fragment does not have is UNKNOWN_HOOK, with those that it has", async () => {
    const { fragment } = await probes.make();
    const refused = await rejection(
      fragment.transaction(async (uow) => {
        await uow.services.note("order", "written");
        uow.triggerHook("delivr" as "work", 1);
      }),
    );
    expect(isSherdError(refused, "UNKNOWN_HOOK") && refused.details).toEqual({
      namespace: fragment.namespace,
      hook: "delivr",
      known: ["work", "extra"],
    });
    expect(await fragment.services.effects()).toEqual([]);
  });

  it("a trigger that a service did not await is TRANSACTION_ENDED, not lost in silence", async () => {
    const { fragment, processor } = await probes.make();
    const late = Promise.withResolvers<unknown>();
    await fragment.transaction(async (uow) => {
      const forgotten = async () => {
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        uow.triggerHook("work", "late");
      };
      forgotten().then(late.resolve, late.resolve);
    });
    const refused = await late.promise;
    expect(isSherdError(refused, "TRANSACTION_ENDED") && refused.details).toEqual({
      namespace: fragment.namespace,
      hook: "work",
    });
    expect(await processor.processDue()).toMatchObject({ completed: 0 });
  });

  it("a write that a service did not await does not commit on its own after the transaction", async () => {
    const { fragment } = await probes.make();
    const rolledBack = fragment.transaction(async (uow) => {
      void uow.services.note("order", "not awaited").catch(() => undefined);
      throw new Error("refused");
    });
    await expect(rolledBack).rejects.toThrow("refused");
    await fragment.services.note("order", "afterwards");
    expect(await fragment.services.effects()).toMatchObject([{ note: "afterwards" }]);
  });

  it.each<readonly [string, object]>([
    ["an option that is none", { prioritty: 1 }],
    ["a priority that is no integer of 32 bits", { priority: 2 ** 31 }],
    ["an onConflict that is none", { key: "k", onConflict: "skip" }],
    ["a processAt that is no date", { processAt: new Date("soon") }],
    ["a processAt that is a number", { processAt: Date.now() }],
    ["a timeout of nothing", { timeoutMs: 0 }],
    ["a policy that cannot be stored", { retry: { kind: "custom", maxAttempts: 2, delay: () => 0 } }],
    ["a policy of no kind that there is", { retry: { kind: "linear", delayMs: 5, maxAttempts: 3 } }],
    ["a policy without its numbers", { retry: { kind: "fixed" } }],
    ["a releaseKeyOnRetry that is a text", { concurrencyKey: "k", releaseKeyOnRetry: "no" }],
    ["a trace that is not JSON", { trace: { span: 1n } }],
  ])("%s is refused before anything is written", async (_, options) => {
    const { fragment } = await probes.make();
    const refused = await rejection(fragment.services.trigger(1, options as TriggerOptions));
    expect(["INVALID_OPTION", "PAYLOAD_NOT_SERIALIZABLE"]).toContain((refused as { code?: string }).code);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });

  it.each<readonly [string, TriggerOptions]>([
    ["a timeout of 30 days", { timeoutMs: 30 * dayMs }],
    ["a due time in a thousand years", { processAt: new Date("3026-01-01T00:00:00.001Z") }],
    ["a due time before Christ", { processAt: new Date("-000100-01-01T00:00:00Z") }],
    [
      "the highest and lowest numbers",
      { priority: 2 ** 31 - 1, retry: { kind: "fixed", delayMs: 400 * dayMs, maxAttempts: 1_000_000 } },
    ],
  ])("%s is taken, on every database", async (_, options) => {
    const { fragment, processor } = await probes.make();
    const id = await fragment.services.trigger(1, options);
    const isLater = (options.processAt?.getTime() ?? 0) > Date.now();
    expect((await fragment.hooks.get(id))?.dueAt).toEqual(isLater ? options.processAt : null);
    expect(await processor.processDue()).toMatchObject({ completed: isLater ? 0 : 1 });
  });
});

describe.each(["node:sqlite in memory", "node:sqlite on a file", "libsql"] as const)(
  "one writer, on %s",
  (kind) => {
    const probes = useProbes(kind);

    it("a transaction within a transaction is NESTED_TRANSACTION at once, and the outer one may go on", async () => {
      const { fragment } = await probes.make();
      const codes = await fragment.transaction(async (uow) => {
        const nested = [
          () => fragment.services.note("order", "nested"),
          () => fragment.transaction(async () => {}),
          () => fragment.hooks.count(),
        ];
        const refused: unknown[] = [];
        for (const attempt of nested) refused.push(await rejection(attempt()));
        await uow.services.note("order", "outer");
        return refused.map((error) => (error as { code?: string }).code);
      });
      expect(codes).toEqual(["NESTED_TRANSACTION", "NESTED_TRANSACTION", "NESTED_TRANSACTION"]);
      expect(await fragment.services.effects()).toMatchObject([{ note: "outer" }]);
    });

    it("a handler may use services beside its ctx.transaction, but not inside it", async () => {
      const codes: unknown[] = [];
      const { fragment, processor } = await probes.make(async (_payload, ctx) => {
        await fragment.services.note(ctx.id, "beside");
        await ctx.transaction(async (uow) => {
          const refused = await rejection(fragment.services.note(ctx.id, "nested"));
          codes.push((refused as { code?: string }).code);
          await uow.services.note(ctx.id, "inside");
        });
      });
      await fragment.services.trigger();
      expect(await processor.processDue()).toMatchObject({ completed: 1 });
      expect(codes).toEqual(["NESTED_TRANSACTION"]);
      expect((await fragment.services.effects()).map(({ note }) => note)).toEqual(["beside", "inside"]);
    });
  },
);

describe("options of a fragment", () => {
  const build = (options: object) =>
    instantiate(probeDefinition)
      .withConfig({ run() {} })
      .withOptions({ databaseAdapter: sqliteAdapter(":memory:"), ...options } as FragmentOptions)
      .build();

  it.each<readonly [string, object]>([
    ["options.namespaces", { namespaces: "a" }],
    ["options.namespace", { namespace: "Upper" }],
    ["options.namespace", { namespace: "a;drop table" }],
    ["options.namespace", { namespace: freshNamespace().repeat(3) }],
    ["options.databaseAdapter", { databaseAdapter: undefined }],
    ["options.mountRoute", { mountRoute: "api" }],
    ["options.onError", { onError: "console" }],
  ])("%s: what does not fit is INVALID_OPTION: %o", (option, options) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });

  it.each<readonly [string, object]>([
    ["durableHooks.concurency", { concurency: 1 }],
    ["durableHooks.concurrency", { concurrency: 0 }],
    ["durableHooks.leaseMs", { leaseMs: 1 }],
    ["durableHooks.stuckProcessingTimeoutMinutes", { stuckProcessingTimeoutMinutes: 0 }],
    ["durableHooks.maxLost", { maxLost: 0 }],
    ["durableHooks.maxPayloadBytes", { maxPayloadBytes: 1.5 }],
    ["durableHooks.retention.completed", { retention: { completed: 1 } }],
    ["durableHooks.retention.failedMs", { retention: { failedMs: -1 } }],
    ["durableHooks.retry", { retry: { kind: "linear", maxAttempts: 2 } }],
    ["durableHooks.onEvent", { onEvent: "log" }],
  ])("%s: what does not fit is INVALID_OPTION: %o", (option, durableHooks) => {
    const options = { durableHooks: durableHooks as DurableHooksOptions };
    expect(() => build(options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });
});
