import { fixed, NonRetryable, RetryAfter } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

describe.each(everyDatabase)("2. At least once, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a failing hook is attempted until it completes", async () => {
    const attempts: number[] = [];
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (_payload, ctx) => {
        attempts.push(ctx.attempt);
        if (ctx.attempt < 4) throw new Error(`attempt ${ctx.attempt} fails`);
      },
      { retry: fixed({ delayMs: 0, maxAttempts: 5 }) },
    );
    const id = await fragment.services.trigger();
    expect(await processor.processDue()).toMatchObject({ completed: 1, failed: 3, nextWakeAt: null });
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", attempts: 4, failures: 3 });
  });

  it("a hook that fails every time ends as failed with its errors, and can be retried by hand", async () => {
    let isHealthy = false;
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      () => {
        if (!isHealthy) throw new Error("the receiver is down");
      },
      { retry: fixed({ delayMs: 0, maxAttempts: 3 }) },
    );
    const id = await fragment.services.trigger({ order: 1 });
    await processor.processDue();
    const failed = await fragment.hooks.get(id);
    expect(failed).toMatchObject({
      status: "failed",
      attempts: 3,
      lastError: { message: "the receiver is down" },
    });
    expect(failed?.errors.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    isHealthy = true;
    await fragment.hooks.retry(id);
    await processor.processDue();
    expect(await fragment.hooks.get(id)).toMatchObject({
      status: "completed",
      attempts: 4,
      payload: { order: 1 },
    });
  });

  it("a handler says what its error means: not again, or after a time of its own", async () => {
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), (payload) => {
      throw payload === "never" ? new NonRetryable("410 Gone") : new RetryAfter(3_600_000);
    });
    const never = await fragment.services.trigger("never");
    const later = await fragment.services.trigger("later");
    await processor.processDue();
    expect(await fragment.hooks.get(never)).toMatchObject({ status: "failed", attempts: 1 });
    const waiting = await fragment.hooks.get(later);
    expect(waiting).toMatchObject({ status: "pending", attempts: 1 });
    expect(waiting?.dueAt?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
  });
});
