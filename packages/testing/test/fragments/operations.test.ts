import { type HookList, type HookStatus, isSherdError, noRetry } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import type { Probe } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const unknownId = "0190a000-0000-7000-8000-000000000000";

/** Read all pages of two, and call `between` after each. */
async function pages(
  { fragment }: Probe,
  status: HookStatus,
  between: () => Promise<unknown>,
): Promise<readonly unknown[]> {
  const payloads: unknown[] = [];
  let cursor: string | null = null;
  do {
    const page: HookList = await fragment.hooks.list({ status, limit: 2, cursor });
    expect(page.hooks.length).toBeLessThanOrEqual(2);
    for (const hook of page.hooks) expect(hook.status).toBe(status);
    payloads.push(...page.hooks.map(({ payload }) => payload));
    await between();
    cursor = page.cursor;
  } while (cursor !== null);
  return payloads;
}

describe.each(everyDatabase)("looking after hooks, on %s", (kind) => {
  const probes = useProbes(kind);
  const failing = () => probes.make(() => Promise.reject(new Error("no")), { retry: noRetry() });

  it("pending hooks are listed newest first, in pages that later triggers do not shift", async () => {
    const probe = await probes.make();
    await probe.fragment.services.triggerMany([1, 2, 3, 4, 5]);
    const listed = await pages(probe, "pending", () => probe.fragment.services.trigger("later"));
    expect(listed).toEqual([5, 4, 3, 2, 1]);
  });

  it("so are processing ones", async () => {
    const release = signal();
    const probe = await probes.make(() => release.promise);
    await probe.fragment.services.triggerMany([1, 2, 3]);
    await probe.processor.wake();
    const listed = await pages(probe, "processing", async () => {
      await probe.fragment.services.trigger("later");
      await probe.processor.wake();
    });
    release.resolve();
    await probe.processor.idle();
    expect(listed).toEqual([3, 2, 1]);
  });

  it.each(["completed", "failed"] as const)(
    "so are %s ones, by the time at which they ended",
    async (status) => {
      const probe = await (status === "failed" ? failing() : probes.make());
      const end = async (payload: unknown) => {
        await probe.fragment.services.trigger(payload);
        await probe.processor.processDue();
      };
      for (const payload of [1, 2, 3]) await end(payload);
      const listed = await pages(probe, status, () => end("later"));
      // Two that ended in one millisecond stand in either order on a database that keeps no more of it.
      expect(listed.toSorted()).toEqual([1, 2, 3]);
    },
  );

  it("so are cancelled ones, and those that ended in one batch are listed once each", async () => {
    const probe = await probes.make();
    const ids = await probe.fragment.services.triggerMany([1, 2, 3]);
    await Promise.all(ids.map((id) => probe.fragment.hooks.cancel(id)));
    const listed = await pages(probe, "cancelled", async () => {
      await probe.fragment.hooks.cancel(await probe.fragment.services.trigger("later"));
    });
    expect(listed.toSorted()).toEqual([1, 2, 3]);
    await probe.fragment.services.triggerMany(["a", "b", "c", "d", "e"]);
    await probe.processor.processDue();
    expect((await pages(probe, "completed", async () => {})).toSorted()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("a list can be of one name, and refuses what it does not know before it asks", async () => {
    const { fragment } = await probes.make();
    await fragment.transaction(async (uow) => {
      for (const name of ["work", "extra", "extra"] as const) uow.triggerHook(name, name);
    });
    expect((await fragment.hooks.list({ status: "pending", name: "extra" })).hooks).toHaveLength(2);
    const refused = [
      fragment.hooks.list({ status: "done" as HookStatus }),
      fragment.hooks.list({ status: "pending", limit: 0 }),
      fragment.hooks.list({ status: "pending", limit: 1_001 }),
      fragment.hooks.list({ status: "pending", cursor: "no cursor of ours" }),
    ];
    for (const each of refused) expect(isSherdError(await rejection(each), "INVALID_OPTION")).toBe(true);
  });

  it("the cursor of another list is refused with INVALID_OPTION, if it does not fit", async () => {
    const probe = await failing();
    await probe.fragment.services.triggerMany([1, 2]);
    await probe.processor.processDue();
    const { cursor } = await probe.fragment.hooks.list({ status: "failed", limit: 1 });
    expect(cursor).not.toBeNull();
    for (const status of ["completed", "pending"] as const) {
      const refused = await probe.fragment.hooks.list({ status, cursor }).then(
        () => null,
        (error: unknown) => error,
      );
      if (refused !== null) expect(refused).toMatchObject({ code: "INVALID_OPTION" });
    }
  });

  it("a hook shows its attempts and what went wrong in each", async () => {
    const { fragment, processor } = await probes.make(
      (_payload, ctx) => Promise.reject(new TypeError(`attempt ${ctx.attempt} broke`)),
      { retry: { kind: "fixed", delayMs: 0, maxAttempts: 3 } },
    );
    const id = await fragment.services.trigger(
      { a: 1 },
      { priority: 7, concurrencyKey: "c", key: "k", trace: { t: 1 } },
    );
    await processor.processDue();
    const hook = await fragment.hooks.get(id);
    expect(hook).toMatchObject({
      id,
      name: "work",
      status: "failed",
      payload: { a: 1 },
      key: "k",
      concurrencyKey: "c",
      priority: 7,
      trace: { t: 1 },
      attempts: 3,
      failures: 3,
      lost: 0,
      maxAttempts: 3,
      owner: null,
      dueAt: null,
      isCancelRequested: false,
      errors: [
        { attempt: 1, name: "TypeError", message: "attempt 1 broke" },
        { attempt: 2, name: "TypeError", message: "attempt 2 broke" },
        { attempt: 3, name: "TypeError", message: "attempt 3 broke" },
      ],
      lastError: { attempt: 3, stack: expect.stringContaining("attempt 3 broke") },
    });
    expect(hook?.finishedAt?.getTime()).toBeGreaterThanOrEqual(hook?.createdAt.getTime() ?? Infinity);
    expect(await fragment.hooks.get(unknownId)).toBeNull();
    expect(await fragment.hooks.get("no id at all")).toBeNull();
  });

  it("a failed hook is retried with fresh attempts, and keeps its record", async () => {
    let isFixed = false;
    const { fragment, processor } = await probes.make(
      () => {
        if (!isFixed) throw new Error("not yet");
      },
      { retry: noRetry() },
    );
    const id = await fragment.services.trigger();
    await processor.processDue();
    isFixed = true;
    await fragment.hooks.retry(id);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", failures: 0, attempts: 1 });
    await processor.processDue();
    expect(await fragment.hooks.get(id)).toMatchObject({
      status: "completed",
      attempts: 2,
      errors: [{ message: "not yet" }],
    });
  });

  it("retry refuses what has not failed, what is not there, and what has lost its key", async () => {
    const { fragment, processor } = await failing();
    const failed = await fragment.services.trigger(1, { key: "k" });
    await processor.processDue();
    const pending = await fragment.services.trigger(2, { key: "k" });
    const state = await rejection(fragment.hooks.retry(pending));
    expect(isSherdError(state, "HOOK_STATE") && state.details.status).toBe("pending");
    for (const id of [unknownId, "no id at all"]) {
      expect(isSherdError(await rejection(fragment.hooks.retry(id)), "HOOK_NOT_FOUND")).toBe(true);
    }
    const conflict = await rejection(fragment.hooks.retry(failed));
    expect(isSherdError(conflict, "KEY_CONFLICT") && conflict.details).toMatchObject({
      key: "k",
      existingId: pending,
    });
    await fragment.hooks.cancel(pending);
    const cancelled = await rejection(fragment.hooks.retry(pending));
    expect(isSherdError(cancelled, "HOOK_STATE") && cancelled.details.status).toBe("cancelled");
    await fragment.hooks.retry(failed);
    expect(await fragment.hooks.get(failed)).toMatchObject({ status: "pending" });
  });

  it("retryAll retries every failed hook, or those of one name, but those whose key is taken", async () => {
    const { fragment, processor } = await failing();
    const keyed = await fragment.transaction(async (uow) => {
      for (const payload of [1, 2, 3]) uow.triggerHook("work", payload);
      uow.triggerHook("extra", 4);
      return uow.triggerHook("extra", 5, { key: "k" });
    });
    await processor.processDue();
    await fragment.services.trigger("newer", { key: "k" });
    expect(await fragment.hooks.retryAll({ name: "extra" })).toBe(1);
    expect(await fragment.hooks.retryAll()).toBe(3);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 5, failed: 1 });
    expect(await fragment.hooks.get(keyed)).toMatchObject({ status: "failed" });
    expect(await fragment.hooks.retryAll()).toBe(0);
  });

  it("cancel ends a pending hook, asks a running one to stop, and refuses a finished one", async () => {
    const release = signal();
    const { fragment, processor } = await probes.make(() => release.promise);
    const running = await fragment.services.trigger("running");
    await processor.wake();
    const pending = await fragment.services.trigger("pending", { processAt: new Date(Date.now() + 60_000) });
    expect(await fragment.hooks.cancel(pending)).toBe("cancelled");
    expect(await fragment.hooks.get(pending)).toMatchObject({ status: "cancelled", attempts: 0 });
    expect(await fragment.hooks.cancel(running)).toBe("requested");
    expect(await fragment.hooks.get(running)).toMatchObject({
      status: "processing",
      isCancelRequested: true,
    });
    release.resolve();
    await processor.idle();
    expect(await fragment.hooks.get(running)).toMatchObject({ status: "cancelled" });
    for (const id of [pending, running]) {
      const refused = await rejection(fragment.hooks.cancel(id));
      expect(isSherdError(refused, "HOOK_STATE") && refused.details).toMatchObject({
        id,
        status: "cancelled",
      });
    }
    expect(isSherdError(await rejection(fragment.hooks.cancel(unknownId)), "HOOK_NOT_FOUND")).toBe(true);
  });

  it("count tells how many there are of each status, and how long the oldest due one has waited", async () => {
    const release = signal();
    const { fragment, processor } = await probes.make(
      (payload) => {
        if (payload === "fails") throw new Error("no");
        return payload === "runs" ? release.promise : undefined;
      },
      { retry: noRetry() },
    );
    await fragment.services.triggerMany(["runs", "fails", "completes", "completes"]);
    await processor.wake();
    const waiting = await fragment.services.trigger("waits");
    await fragment.services.trigger("later", { processAt: new Date(Date.now() + 60_000) });
    await fragment.hooks.cancel(await fragment.services.trigger("cancelled"));
    await expect
      .poll(() => fragment.hooks.count(), { timeout: 5_000 })
      .toMatchObject({ pending: 2, processing: 1, completed: 2, failed: 1, cancelled: 1 });
    const { oldestDueMs } = await fragment.hooks.count();
    expect(oldestDueMs).toBeGreaterThanOrEqual(0);
    expect(oldestDueMs).toBeLessThan(10_000);
    await fragment.hooks.cancel(waiting);
    expect((await fragment.hooks.count()).oldestDueMs).toBeNull();
    release.resolve();
    await processor.idle();
  });
});
