import { HooksFailed, inlineHooks } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { openMailer } from "./mailer.ts";

describe("inlineHooks", () => {
  it("has hooks run, and what they trigger, before the service call resolves", async () => {
    const { fragment, sent } = await openMailer();
    using _inline = inlineHooks(fragment);
    const id = await fragment.services.publish(["ada", "bob"]);
    expect(sent).toEqual(["ada", "bob"]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed" });
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, processing: 0, completed: 4 });
  });

  it("has them run before transaction resolves, and before a route answers", async () => {
    const { fragment, sent } = await openMailer();
    using _inline = inlineHooks([fragment]);
    await fragment.transaction(async (uow) => uow.services.register("ada"));
    expect(sent).toEqual(["ada"]);
    await fragment.handler(new Request("http://localhost/mailer/", { method: "POST", body: "bob" }));
    expect(sent).toEqual(["ada", "bob"]);
  });

  it("runs them after the commit, and none of a transaction that rolls back", async () => {
    const { fragment, sent } = await openMailer();
    using _inline = inlineHooks(fragment);
    await expect(fragment.services.fail()).rejects.toThrow("rolled back");
    const committed = fragment.transaction(async (uow) => {
      await uow.services.register("ada");
      expect(sent).toEqual([]);
    });
    await committed;
    expect(sent).toEqual(["ada"]);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, completed: 1 });
  });

  it("a handler may call services: what they trigger has run, too, when the outer call resolves", async () => {
    const { fragment, sent } = await openMailer({
      async send({ to }) {
        if (to === "ada") await fragment.services.register("bob");
      },
    });
    using _inline = inlineHooks(fragment);
    await fragment.services.register("ada");
    expect(sent).toEqual(["ada", "bob"]);
  });

  it("calls at the same time each resolve when their own hooks have run", async () => {
    const { fragment } = await openMailer({ send: () => new Promise((resolve) => setImmediate(resolve)) });
    using _inline = inlineHooks(fragment);
    const calls = Array.from({ length: 8 }, async (_, index) => {
      const id = await fragment.services.register(`${index}`);
      return (await fragment.hooks.get(id))?.status;
    });
    expect(await Promise.all(calls)).toEqual(Array(8).fill("completed"));
  });

  it("a call whose hook fails rejects with HooksFailed although it has committed; the next one does not", async () => {
    const { fragment, sent } = await openMailer({
      send({ to }) {
        if (to === "ada") throw new Error("busy");
      },
    });
    using _inline = inlineHooks(fragment);
    await expect(fragment.services.register("ada")).rejects.toBeInstanceOf(HooksFailed);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 1 });
    await fragment.services.register("bob");
    expect(sent).toEqual(["ada", "bob"]);
  });

  it("passes the options on: failures may be left, and what is due later may run", async () => {
    let attempts = 0;
    const { fragment, clock } = await openMailer({
      send() {
        if (++attempts < 3) throw new Error("busy");
      },
    });
    {
      using _inline = inlineHooks(fragment, { throwOnFailure: false });
      await fragment.services.register("ada");
    }
    expect(attempts).toBe(1);
    using _inline = inlineHooks(fragment, { withScheduled: true, clock });
    await fragment.services.remindAt(new Date(clock.now() + 3_600_000));
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, completed: 2 });
  });

  it("ends when it is disposed of", async () => {
    const { fragment, sent } = await openMailer();
    inlineHooks(fragment)[Symbol.dispose]();
    await fragment.services.register("ada");
    expect(sent).toEqual([]);
  });
});
