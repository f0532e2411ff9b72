import { defineFragment, hook, instantiate, migrate, NonRetryable, RetryAfter } from "@sherd/core";
import { drainHooks, HooksFailed, loseFirstAttempts, testClock } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { openMailer } from "./mailer.ts";

const hourMs = 3_600_000;

describe("drainHooks", () => {
  it("runs what is due, and what that triggers, and tells the names in the order of their triggers", async () => {
    const { fragment, sent } = await openMailer();
    await fragment.services.publish(["ada", "bob"]);
    await fragment.services.register("cleo");
    expect(await drainHooks(fragment)).toEqual({
      completed: ["newsletter", "mail", "audit", "newsletter", "audit"],
      failed: [],
      pending: [],
    });
    expect(sent.toSorted()).toEqual(["ada", "bob", "cleo"]);
  });

  it("leaves what is due later, and answers it as pending", async () => {
    const { fragment, clock, sent } = await openMailer();
    await fragment.services.remindAt(new Date(clock.now() + hourMs));
    expect(await drainHooks(fragment)).toEqual({ completed: [], failed: [], pending: ["remind"] });
    await clock.advance(hourMs);
    expect(await drainHooks(fragment)).toEqual({ completed: ["remind"], failed: [], pending: [] });
    expect(sent).toEqual(["all"]);
  });

  it("tells of what ended during the drain, and not of what had ended before", async () => {
    const { fragment } = await openMailer();
    await fragment.services.register("ada");
    await drainHooks(fragment);
    expect(await drainHooks(fragment)).toEqual({ completed: [], failed: [], pending: [] });
  });

  it("with what is scheduled, it advances the clock from one due time to the next", async () => {
    const { fragment, clock } = await openMailer();
    const start = clock.now();
    await fragment.services.remindAt(new Date(start + 400 * 24 * hourMs));
    await fragment.services.remindAt(new Date(start + hourMs));
    expect(await drainHooks(fragment, { withScheduled: true, clock })).toEqual({
      completed: ["remind", "remind"],
      failed: [],
      pending: [],
    });
    expect(clock.now() - start).toBe(400 * 24 * hourMs);
  });

  it("with what is scheduled up to a moment, it leaves what is due after it", async () => {
    const { fragment, clock } = await openMailer();
    for (const hours of [1, 2, 3]) await fragment.services.remindAt(new Date(clock.now() + hours * hourMs));
    const until = new Date(clock.now() + 2 * hourMs);
    expect(await drainHooks(fragment, { withScheduled: until, clock })).toEqual({
      completed: ["remind", "remind"],
      failed: [],
      pending: ["remind"],
    });
  });

  it("with what is scheduled, retries are made at their times; one that helps is no failure", async () => {
    let attempts = 0;
    const moments: number[] = [];
    const { fragment, clock } = await openMailer({
      send() {
        moments.push(clock.now());
        if (++attempts === 1) throw new RetryAfter(5_000);
        if (attempts === 2) throw new Error("busy");
      },
    });
    const start = clock.now();
    await fragment.services.register("ada");
    expect(await drainHooks(fragment, { withScheduled: true, clock })).toMatchObject({ completed: ["mail"] });
    expect(moments.map((at) => at - start)).toEqual([0, 5_000, 65_000]);
  });

  it("rejects when a hook has failed, with its error as the cause", async () => {
    const { fragment } = await openMailer({
      send() {
        throw new NonRetryable("no such address");
      },
    });
    const id = await fragment.services.register("ada");
    const error = await drainHooks(fragment).catch((raised: unknown) => raised);
    expect(error).toBeInstanceOf(HooksFailed);
    expect(error).toMatchObject({
      hooks: [{ id, status: "failed" }],
      message: expect.stringContaining(`"mail" (${id}, attempt 1 of 3): NonRetryable: no such address`),
      cause: { name: "NonRetryable", stack: expect.stringContaining("drain-hooks.test.ts") },
    });
    expect(await drainHooks(fragment)).toMatchObject({ failed: [] });
  });

  it("rejects when a hook waits to be tried again because its attempt failed, once", async () => {
    const { fragment } = await openMailer({
      send() {
        throw new Error("busy");
      },
    });
    await fragment.services.register("ada");
    await expect(drainHooks(fragment)).rejects.toThrow(/attempt 1 of 3, to be tried again\): Error: busy/);
    expect(await drainHooks(fragment)).toEqual({ completed: [], failed: [], pending: ["mail"] });
  });

  it("with throwOnFailure: false, failed hooks are only told", async () => {
    const { fragment, clock } = await openMailer({
      send() {
        throw new Error("busy");
      },
    });
    await fragment.services.register("ada");
    const options = { throwOnFailure: false } as const;
    expect(await drainHooks(fragment, options)).toEqual({ completed: [], failed: [], pending: ["mail"] });
    expect(await drainHooks(fragment, { ...options, withScheduled: true, clock })).toEqual({
      completed: [],
      failed: ["mail"],
      pending: [],
    });
  });

  it("drains several fragments together, however their hooks trigger each other's", async () => {
    const { fragment, databaseAdapter } = await openMailer();
    const orders = defineFragment("orders")
      .withHooks(() => ({
        place: hook({
          run: (_, ctx) =>
            ctx.transaction(async (uow) => void (await uow.use(fragment).services.register("ada"))),
        }),
      }))
      .build();
    const order = instantiate(orders).withOptions({ databaseAdapter }).build();
    await migrate(order);
    await order.transaction(async (uow) => uow.triggerHook("place"));
    expect(await drainHooks([fragment, order])).toMatchObject({ completed: ["place", "mail"] });
  });

  it("a fragment without hooks has nothing to drain", async () => {
    const { databaseAdapter } = await openMailer();
    const idle = instantiate(defineFragment("idle").build()).withOptions({ databaseAdapter }).build();
    expect(await drainHooks(idle)).toEqual({ completed: [], failed: [], pending: [] });
  });

  it("a lost attempt runs again when its lease has expired: what it did happens twice", async () => {
    const { fragment, sent, clock } = await openMailer({ wrap: loseFirstAttempts });
    const [first, second] = [
      await fragment.services.register("ada"),
      await fragment.services.register("bob"),
    ];
    const start = clock.now();
    expect(await drainHooks(fragment)).toMatchObject({ completed: [], pending: ["mail", "mail"] });
    expect(await drainHooks(fragment, { withScheduled: true, clock })).toMatchObject({
      completed: ["mail", "mail"],
    });
    expect(sent.toSorted()).toEqual(["ada", "ada", "bob", "bob"]);
    expect(clock.now() - start).toBe(60_000);
    for (const id of [first, second]) {
      expect(await fragment.hooks.get(id)).toMatchObject({ attempts: 2, lost: 1, failures: 0 });
    }
  });

  it("a lost attempt loses nothing of what has committed in ctx.transaction, which happens once", async () => {
    const { fragment, clock, sent } = await openMailer({ wrap: loseFirstAttempts });
    await fragment.services.publish(["ada", "bob"]);
    const { completed } = await drainHooks(fragment, { withScheduled: true, clock });
    expect(completed.filter((name) => name === "newsletter")).toHaveLength(2);
    expect(sent).toEqual(["ada", "bob"]);
  });

  it.each([true, new Date()])(
    "withScheduled: %s without a clock is INVALID_OPTION",
    async (withScheduled) => {
      const { fragment } = await openMailer();
      await expect(drainHooks(fragment, { withScheduled } as never)).rejects.toMatchObject({
        code: "INVALID_OPTION",
        details: { option: "drainHooks.clock" },
      });
    },
  );

  it("a date that is none is INVALID_OPTION", async () => {
    const { fragment, clock } = await openMailer();
    const withScheduled = new Date(Number.NaN);
    await expect(drainHooks(fragment, { withScheduled, clock })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { option: "drainHooks.withScheduled" },
    });
  });

  it("a clock that is not the adapter's is INVALID_OPTION", async () => {
    const { fragment, clock } = await openMailer();
    await fragment.services.remindAt(new Date(clock.now() + hourMs));
    const other = testClock(clock.now());
    await expect(drainHooks(fragment, { withScheduled: true, clock: other })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { option: "drainHooks.clock" },
    });
  });

  it("a handler that hangs is named when the time is over", async () => {
    const { fragment } = await openMailer({ send: () => new Promise(() => {}) });
    const id = await fragment.services.register("ada");
    await expect(drainHooks(fragment, { withinMs: 50 })).rejects.toThrow(
      `drainHooks did not end within 50 ms. Still running: "mail" (${id}).`,
    );
  });

  it("a handler's timeout is reached by advancing the clock meanwhile", async () => {
    const started = Promise.withResolvers<void>();
    const { fragment, clock } = await openMailer({
      send(_mail, { signal }) {
        started.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        });
      },
    });
    await fragment.services.publish(["ada"]);
    const drained = drainHooks(fragment, { throwOnFailure: false });
    await started.promise;
    await clock.advance(30_000);
    expect(await drained).toMatchObject({ failed: ["newsletter"] });
  });
});
