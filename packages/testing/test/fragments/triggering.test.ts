import { noRetry, systemClock, type WakeListener } from "@sherd/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { useApplication } from "../../../../tooling/application.ts";
import { bothDatabases } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe, type Probe } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const hourMs = 3_600_000;
const failure = new Error("no alarm to be had");

/** Listen to a probe's processor for its triggers alone. */
async function listen(
  { processor }: Probe,
  onTriggering: (dueInMs: number) => Promise<void> | void,
): Promise<() => Promise<void>> {
  const listener: WakeListener = {
    onWake() {},
    onDueIn() {},
    onError() {},
    onTriggering: async (dueInMs) => onTriggering(dueInMs),
  };
  const unsubscribe = await processor.subscribe(listener);
  onTestFinished(unsubscribe);
  return unsubscribe;
}

describe.each(bothDatabases)("onTriggering, on %s", (kind) => {
  const log: string[] = [];
  const probes = useProbes(kind, {
    onStatement({ verb, statement, phase }) {
      if (verb === "enqueue" || (verb === "transaction" && statement === "commit"))
        log.push(`${phase} ${statement === "commit" ? "commit" : verb}`);
    },
  });
  const now = 1_700_000_000_000;
  const clock = { ...systemClock, now: () => now };
  const later = (ms: number) => ({ processAt: new Date(now + ms) });

  it("hears in how many milliseconds the earliest of a transaction's hooks is due", async () => {
    const probe = await probes.make(() => {}, { clock });
    const heard: number[] = [];
    await listen(probe, (dueInMs) => void heard.push(dueInMs));
    const { services, transaction } = probe.fragment;
    await services.trigger("now");
    await services.trigger("later", later(hourMs));
    await services.trigger("overdue", later(-hourMs));
    await transaction(async (uow) => {
      await uow.services.trigger("last", later(3 * hourMs));
      await uow.services.trigger("first", later(hourMs));
      await uow.services.trigger("second", later(2 * hourMs));
    });
    await services.triggerMany(["later", "now"], {});
    expect(heard).toEqual([0, hourMs, 0, hourMs, 0]);
  });

  it("is called before the hooks are committed", async () => {
    const probe = await probes.make();
    await listen(probe, () => void log.push("told"));
    const { fragment } = probe;
    await fragment.hooks.count();
    log.length = 0;
    await fragment.transaction(async (uow) => {
      await uow.services.note("order", "placed");
      await uow.services.trigger();
    });
    expect(log.indexOf("told")).toBeGreaterThan(log.indexOf("after begin"));
    expect(log.indexOf("told")).toBeLessThan(log.indexOf("before commit"));
  });

  it("what it throws rolls back the rows and the hooks, and comes out as it is", async () => {
    const probe = await probes.make();
    await listen(probe, () => {
      throw failure;
    });
    const { fragment, processor } = probe;
    const thrown = await rejection(
      fragment.transaction(async (uow) => {
        await uow.services.note("order", "placed");
        await uow.services.trigger();
      }),
    );
    expect(thrown).toBe(failure);
    expect(await fragment.services.effects()).toEqual([]);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, processing: 0 });
    expect(await processor.processDue()).toMatchObject({ completed: 0, nextWakeAt: null });
  });

  it("hears nothing of a transaction that triggers nothing, or rolls back, or comes after it was unsubscribed", async () => {
    const probe = await probes.make();
    const heard: number[] = [];
    const unsubscribe = await listen(probe, (dueInMs) => void heard.push(dueInMs));
    await probe.fragment.services.note("order", "placed");
    await rejection(
      probe.fragment.transaction(async (uow) => {
        await uow.services.trigger();
        throw failure;
      }),
    );
    await unsubscribe();
    await probe.fragment.services.trigger();
    expect(heard).toEqual([]);
  });

  it("every listener of two fragments in one transaction hears of its own hooks; one that throws rolls back both", async () => {
    const [orders, mails] = [await probes.make(() => {}, { clock }), await probes.make(() => {}, { clock })];
    const heard: (readonly [string, number])[] = [];
    await listen(orders, (dueInMs) => void heard.push(["orders", dueInMs]));
    await listen(orders, (dueInMs) => void heard.push(["orders, too", dueInMs]));
    const both = () =>
      orders.fragment.transaction(async (uow) => {
        await uow.services.trigger("order", later(hourMs));
        await uow.use(mails.fragment).services.trigger("mail", later(2 * hourMs));
      });
    await listen(mails, (dueInMs) => void heard.push(["mails", dueInMs]));
    await both();
    const told = [
      ["orders", hourMs],
      ["orders, too", hourMs],
      ["mails", 2 * hourMs],
    ];
    expect(heard).toEqual(told);
    await listen(mails, () => {
      throw failure;
    });
    expect(await rejection(both())).toBe(failure);
    for (const { fragment } of [orders, mails]) {
      expect(await fragment.hooks.count()).toMatchObject({ pending: 1 });
    }
  });

  it("hears of what a handler triggers in ctx.transaction; what it throws rolls back, and the attempt has failed", async () => {
    let isRefused = true;
    const heard: number[] = [];
    const probe = await probes.make(
      async (payload, ctx) => {
        if (payload !== "first") return;
        await ctx.transaction(async (uow) => {
          await uow.services.note(ctx.id, `attempt ${ctx.attempt}`);
          await uow.services.trigger("next", later(hourMs));
        });
      },
      { clock, retry: noRetry() },
    );
    const { fragment, processor } = probe;
    const id = await fragment.services.trigger("first");
    await listen(probe, (dueInMs) => {
      heard.push(dueInMs);
      if (isRefused) throw failure;
    });
    expect(await processor.processDue()).toMatchObject({ completed: 0, failed: 1 });
    expect(await fragment.services.effects()).toEqual([]);
    expect((await fragment.hooks.get(id))?.lastError).toMatchObject({ message: failure.message });
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, failed: 1 });
    isRefused = false;
    await fragment.hooks.retry(id);
    await processor.processDue();
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed" });
    expect(heard).toEqual([hourMs, hourMs]);
    expect(await fragment.services.effects()).toMatchObject([{ hook: id }]);
  });
});

describe.each(bothDatabases)("onTriggering within, on %s", (kind) => {
  const application = useApplication(kind);

  it("is called in the application's own transaction, which rolls back with what it throws", async () => {
    const probe = await makeProbe(application.adapter, freshNamespace());
    const heard: string[] = [];
    let isRefused = false;
    await listen(probe, (dueInMs) => {
      heard.push(`due in ${dueInMs}`);
      if (isRefused) throw failure;
    });
    const order = (note: string) =>
      application.transaction(async (tx, addOrder) => {
        await addOrder(note);
        await probe.fragment.within(tx, (uow) => uow.services.trigger(note));
        heard.push("committing");
      });
    await order("kept");
    isRefused = true;
    const thrown = await rejection(order("refused"));
    expect(thrown).toBe(failure);
    expect(heard).toEqual(["due in 0", "committing", "due in 0"]);
    expect(await application.orders()).toEqual(["kept"]);
    expect(await probe.fragment.hooks.count()).toMatchObject({ pending: 1 });
  });
});
