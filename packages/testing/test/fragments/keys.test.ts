import { isSherdError, noRetry } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { rejection, useProbes } from "./use-probe.ts";

const inAnHour = () => new Date(Date.now() + 3_600_000);

describe.each(everyDatabase)("keys, on %s", (kind) => {
  let atCommit = () => {};
  const probes = useProbes(kind, {
    onStatement({ verb, statement, phase }) {
      if (verb === "transaction" && statement === "commit" && phase === "before") atCommit();
    },
  });

  it("a trigger whose key is taken is ignored, and someone hears of it", async () => {
    const { fragment, processor, events } = await probes.make();
    const first = await fragment.services.trigger("first", { key: "k" });
    const second = await fragment.services.trigger("second", { key: "k" });
    expect(events).toMatchObject([{ type: "ignored", id: second, existingId: first, name: "work" }]);
    expect(await fragment.hooks.get(first)).toMatchObject({ payload: "first" });
    expect(await fragment.hooks.get(second)).toBeNull();
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("replace on a pending hook is a debounce: the last payload runs once, when the last one said", async () => {
    const runs: unknown[] = [];
    const { fragment, processor, events } = await probes.make((payload, ctx) => {
      runs.push(payload, ctx.idempotencyKey);
    });
    const replace = { key: "k", onConflict: "replace" } as const;
    const id = await fragment.services.trigger("first", { ...replace, processAt: inAnHour() });
    await fragment.services.trigger("second", { ...replace, processAt: inAnHour() });
    expect(await processor.processDue()).toMatchObject({ completed: 0 });
    await fragment.services.trigger("third", replace);
    expect(events.map((event) => (event.type === "replaced" ? event.existingId : event.type))).toEqual([
      id,
      id,
    ]);
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(runs).toEqual(["third", `${id}:2`]);
  });

  it("replace while it runs has it run again, with the new payload and another idempotency key", async () => {
    const started = signal();
    const release = signal();
    const runs: (readonly [unknown, string])[] = [];
    const { fragment, processor } = await probes.make(async (payload, ctx) => {
      runs.push([payload, ctx.idempotencyKey]);
      started.resolve();
      await release.promise;
    });
    const id = await fragment.services.trigger("old", { key: "k" });
    await processor.wake();
    await started.promise;
    await fragment.services.trigger("new", { key: "k", onConflict: "replace" });
    release.resolve();
    await processor.idle();
    await processor.processDue();
    expect(runs).toEqual([
      ["old", id],
      ["new", `${id}:1`],
    ]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", payload: "new" });
    expect(await fragment.hooks.count()).toMatchObject({ completed: 1, pending: 0 });
  });

  it("replace after a running hook was asked to stop is work of its own: the new payload runs", async () => {
    const started = signal();
    const release = signal();
    const runs: unknown[] = [];
    const { fragment, processor } = await probes.make(async (payload) => {
      runs.push(payload);
      started.resolve();
      await release.promise;
    });
    const id = await fragment.services.trigger("old", { key: "k" });
    await processor.wake();
    await started.promise;
    await fragment.hooks.cancel(id);
    await fragment.services.trigger("new", { key: "k", onConflict: "replace" });
    release.resolve();
    await processor.idle();
    await processor.processDue();
    expect(runs).toEqual(["old", "new"]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", payload: "new" });
  });

  it("error fails the transaction with KEY_CONFLICT, and nothing of it stays", async () => {
    const { fragment } = await probes.make();
    const existingId = await fragment.services.trigger("first", { key: "k" });
    const refused = await rejection(
      fragment.transaction(async (uow) => {
        await uow.services.note("order", "written");
        await uow.services.trigger("beside it");
        await uow.services.trigger("second", { key: "k", onConflict: "error" });
      }),
    );
    expect(isSherdError(refused, "KEY_CONFLICT") && refused.details).toMatchObject({ key: "k", existingId });
    expect(await fragment.services.effects()).toEqual([]);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 1 });
  });

  it("two triggers of one transaction meet like those of two", async () => {
    const runs: unknown[] = [];
    const { fragment, processor, events } = await probes.make((payload) => void runs.push(payload));
    await fragment.transaction(async (uow) => {
      uow.triggerHook("work", "first", { key: "a" });
      uow.triggerHook("work", "second", { key: "a" });
      uow.triggerHook("work", "third", { key: "b" });
      uow.triggerHook("work", "fourth", { key: "b", onConflict: "replace" });
    });
    await processor.processDue();
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual(["ignored", "replaced"]);
    expect(runs).toEqual(["first", "fourth"]);
  });

  it("a hook that has completed, failed or been cancelled has freed its key", async () => {
    const { fragment, processor } = await probes.make(
      (payload) => {
        if (payload === "fails") throw new Error("no");
      },
      { retry: noRetry() },
    );
    const options = { key: "k", onConflict: "error" } as const;
    for (const payload of ["completes", "fails"]) {
      await fragment.services.trigger(payload, options);
      await processor.processDue();
    }
    await fragment.hooks.cancel(await fragment.services.trigger("is cancelled", options));
    const last = await fragment.services.trigger("last", options);
    expect(await fragment.hooks.get(last)).toMatchObject({ status: "pending" });
    expect(await fragment.hooks.count()).toMatchObject({ completed: 1, failed: 1, cancelled: 1, pending: 1 });
  });

  it("a hook that waits for its retry keeps its key", async () => {
    const { fragment, processor } = await probes.make(() => Promise.reject(new Error("no")));
    const id = await fragment.services.trigger("first", { key: "k" });
    await processor.processDue();
    const refused = await rejection(fragment.services.trigger("second", { key: "k", onConflict: "error" }));
    expect(isSherdError(refused, "KEY_CONFLICT") && refused.details.existingId).toBe(id);
  });

  it("a trigger that met a key in a transaction that rolled back is told to nobody: it did not happen", async () => {
    const { fragment, events } = await probes.make();
    await fragment.services.trigger("first", { key: "k" });
    const failure = new Error("the commit was refused");
    atCommit = () => {
      atCommit = () => {};
      throw failure;
    };
    expect(await rejection(fragment.services.trigger("second", { key: "k" }))).toBe(failure);
    expect(events).toEqual([]);
  });

  it.each([
    ["an emoji", "🧩 key"],
    ["a text of another script", "ключ-鍵"],
    ["quotes, braces and backslashes", `{"a":\\"b",'c'}`],
    ["spaces", " k "],
  ])("a key may hold %s", async (_, key) => {
    const { fragment, processor } = await probes.make();
    const options = { key, concurrencyKey: key };
    const id = await fragment.services.trigger("first", options);
    await fragment.services.trigger("second", options);
    expect(await fragment.hooks.get(id)).toMatchObject({ key, concurrencyKey: key, payload: "first" });
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
  });

  it.each([
    ["empty", ""],
    ["too long", "k".repeat(501)],
    ["with NUL", "a\0b"],
    ["with half of a surrogate pair", "a\ud83d"],
  ])("a key that is %s is refused with INVALID_OPTION before anything is written", async (_, key) => {
    const { fragment } = await probes.make();
    for (const options of [{ key }, { concurrencyKey: key }]) {
      const refused = await rejection(fragment.services.trigger(1, options));
      expect(isSherdError(refused, "INVALID_OPTION")).toBe(true);
    }
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });
});
