import { isSherdError } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyApplication, onServer, useApplication } from "../../../../tooling/application.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { rejection } from "./use-probe.ts";

describe.each(everyApplication)("within the application's own drizzle transaction, on %s", (kind) => {
  const application = useApplication(kind);

  it("the application's row, the fragment's and the hook commit together", async () => {
    const { fragment, processor } = await makeProbe(application.adapter, freshNamespace());
    let id = "";
    await application.transaction(async (tx, addOrder) => {
      await addOrder("committed");
      id = await fragment.within(tx, async (uow) => {
        await uow.services.note("order", "written");
        return uow.services.trigger({ order: 1 });
      });
    });
    expect(await application.orders()).toContain("committed");
    expect(await fragment.services.effects()).toMatchObject([{ note: "written" }]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", payload: { order: 1 } });
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("they roll back together when the application throws afterwards", async () => {
    const { fragment, processor } = await makeProbe(application.adapter, freshNamespace());
    const rolledBack = application.transaction(async (tx, addOrder) => {
      await fragment.within(tx, async (uow) => {
        await uow.services.note("order", "written");
        await uow.services.triggerMany(["free", "keyed"], { key: "order" });
      });
      await addOrder("rolled back");
      throw new Error("the card was refused");
    });
    await expect(rolledBack).rejects.toThrow("the card was refused");
    expect(await application.orders()).not.toContain("rolled back");
    expect(await fragment.services.effects()).toEqual([]);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, processing: 0 });
    expect(await processor.processDue()).toMatchObject({ completed: 0 });
  });

  it("what the work throws comes out as it is, and of it nothing is triggered even if the application commits", async () => {
    const { fragment } = await makeProbe(application.adapter, freshNamespace());
    const failure = new Error("not this one");
    await application.transaction(async (tx, addOrder) => {
      const thrown = await rejection(
        fragment.within(tx, async (uow) => {
          await uow.services.trigger();
          throw failure;
        }),
      );
      expect(thrown).toBe(failure);
      await addOrder("kept all the same");
    });
    expect(await application.orders()).toContain("kept all the same");
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });

  it("several calls within one transaction, also of several fragments, commit together", async () => {
    const one = await makeProbe(application.adapter, freshNamespace());
    const two = await makeProbe(application.adapter, freshNamespace());
    await application.transaction(async (tx) => {
      await one.fragment.within(tx, (uow) => uow.services.trigger(1));
      await two.fragment.within(tx, async (uow) => {
        await uow.services.trigger(2);
        await uow.use(one.fragment).services.trigger(3);
      });
    });
    expect(await one.fragment.hooks.count()).toMatchObject({ pending: 2 });
    expect(await two.fragment.hooks.count()).toMatchObject({ pending: 1 });
  });

  it("a trigger after the work has ended fails with TRANSACTION_ENDED", async () => {
    const { fragment } = await makeProbe(application.adapter, freshNamespace());
    await application.transaction(async (tx) => {
      const kept = await fragment.within(tx, async (uow) => ({ trigger: () => uow.triggerHook("work", 1) }));
      expect(kept.trigger).toThrow(expect.objectContaining({ code: "TRANSACTION_ENDED" }));
    });
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });

  it("the hook runs promptly after the commit although the poll is every 60 s", async () => {
    const runs: unknown[] = [];
    const { fragment, processor } = await makeProbe(
      application.adapter,
      freshNamespace(),
      (payload) => void runs.push(payload),
    );
    const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: 60_000 });
    dispatcher.startPolling();
    onTestFinished(() => dispatcher.stopPolling());
    await fragment.services.trigger("first");
    await eventually(() => runs.length === 1, { withinMs: 5_000 });
    await application.transaction(async (tx) => {
      await fragment.within(tx, (uow) => uow.services.trigger("within"));
    });
    await eventually(() => runs.length === 2, { withinMs: 2_000 });
    expect(runs).toEqual(["first", "within"]);
  });

  it("what is no drizzle transaction is refused with INVALID_OPTION", async () => {
    const { fragment } = await makeProbe(application.adapter, freshNamespace());
    const refused = await rejection(fragment.within({}, (uow) => uow.services.trigger()));
    expect(isSherdError(refused, "INVALID_OPTION")).toBe(true);
  });
});

describe.each([...onServer, "PGlite"] as const)("within on %s", (kind) => {
  const application = useApplication(kind);

  it("a database in place of its transaction is refused: each statement would commit on its own", async () => {
    const { fragment } = await makeProbe(application.adapter, freshNamespace());
    const refused = await rejection(
      fragment.within(application.db, async (uow) => {
        await uow.services.note("order", "written");
        throw new Error("it went through");
      }),
    );
    expect(await fragment.services.effects()).toEqual([]);
    expect(isSherdError(refused, "INVALID_OPTION")).toBe(true);
  });
});
