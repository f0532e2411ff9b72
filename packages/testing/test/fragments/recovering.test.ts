import {
  createDurableHooksProcessor,
  type DurableHooksProcessor,
  noRetry,
  SherdError,
  type StuckProcessingHooks,
} from "@sherd/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { bothDatabases } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import type { Probe } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const inAnHour = () => new Date(Date.now() + 3_600_000);

describe.each(bothDatabases)("recovering, on %s", (kind) => {
  let isDown = false;
  let claimed: (() => Promise<void>) | null = null;
  const down = new SherdError("DATABASE_UNAVAILABLE", "It is down.", { verb: "settle" });
  const probes = useProbes(kind, {
    async onStatement({ verb, phase }) {
      if (isDown && verb === "settle" && phase === "before") throw down;
      if (verb === "claim" && phase === "after") await claimed?.();
    },
  });

  /** A fragment whose first processor never ends what it claims, and a second one in its place. */
  async function afterDeath(options: Parameters<typeof probes.make>[1] = {}) {
    const ran: unknown[] = [];
    const release = signal();
    let isDead = false;
    const probe = await probes.make(
      async (payload) => {
        if (isDead) ran.push(payload);
        else await release.promise;
      },
      { owner: "worker 1", ...options },
    );
    onTestFinished(() => release.resolve());
    return {
      ...probe,
      ran,
      release,
      async die(): Promise<DurableHooksProcessor> {
        await probe.processor.wake();
        isDead = true;
        return anotherOf(probe);
      },
    };
  }

  function anotherOf({ fragment }: Probe): DurableHooksProcessor {
    const processor = createDurableHooksProcessor(fragment);
    if (processor === null) throw new Error("The probe has hooks, so it has a processor.");
    return processor;
  }

  it("takes back at once what another processor held, with no attempt used up, and runs it", async () => {
    const { fragment, events, ran, die } = await afterDeath();
    const id = await fragment.services.trigger("again");
    const next = await die();
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "processing" });
    expect(await next.recover()).toEqual([{ id, name: "work", attempt: 1 }]);
    const unused = { status: "pending", attempts: 0, failures: 0, lost: 0, errors: [] };
    expect(await fragment.hooks.get(id)).toMatchObject(unused);
    const { namespace } = fragment;
    expect(events.at(-1)).toEqual({ type: "given-back", namespace, id, name: "work", attempt: 1 });
    expect(await next.processDue()).toMatchObject({ completed: 1, nextWakeAt: null });
    expect(ran).toEqual(["again"]);
    expect(await next.recover()).toEqual([]);
  });

  it("what the other processor ends afterwards changes nothing", async () => {
    const { fragment, processor, events, release, die } = await afterDeath();
    const id = await fragment.services.trigger();
    const next = await die();
    await next.recover();
    release.resolve();
    await processor.idle();
    expect(events.at(-1)).toMatchObject({ type: "fenced", id });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", attempts: 0 });
    expect(await next.processDue()).toMatchObject({ completed: 1 });
  });

  it("isLost counts the attempt as lost, and tells of it as of every other loss", async () => {
    const stuck: StuckProcessingHooks[] = [];
    const told = { onStuckProcessingHooks: (each: StuckProcessingHooks) => void stuck.push(each) };
    const { fragment, events, die } = await afterDeath(told);
    const [guilty = "", innocent = ""] = await fragment.services.triggerMany(["guilty", "innocent"]);
    const next = await die();
    const recovered = await next.recover({ isLost: ({ id }) => id === guilty });
    expect(recovered.map(({ id }) => id).toSorted()).toEqual([guilty, innocent].toSorted());
    const hook = await fragment.hooks.get(guilty);
    expect(hook).toMatchObject({ status: "pending", attempts: 1, lost: 1 });
    expect(hook?.errors).toMatchObject([{ attempt: 1, code: "LOST" }]);
    expect(await fragment.hooks.get(innocent)).toMatchObject({ status: "pending", attempts: 0, lost: 0 });
    const lost = { id: guilty, name: "work", owner: "worker 1", lost: 1, end: "ready" };
    expect(events.filter(({ type }) => type === "lost")).toMatchObject([lost]);
    expect(stuck).toMatchObject([{ namespace: fragment.namespace, events: [lost] }]);
    expect(await next.processDue()).toMatchObject({ completed: 2 });
  });

  it("its last loss ends it as failed", async () => {
    const stuck: StuckProcessingHooks[] = [];
    const { fragment, events, die } = await afterDeath({
      maxLost: 1,
      onStuckProcessingHooks: (each) => void stuck.push(each),
    });
    const id = await fragment.services.trigger();
    const next = await die();
    await next.recover({ isLost: () => true });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "failed", attempts: 1, lost: 1 });
    expect(events.at(-1)).toMatchObject({ type: "lost", id, lost: 1, end: "failed" });
    expect(stuck).toMatchObject([{ events: [{ id, lost: 1, end: "failed" }] }]);
    expect(await next.processDue()).toMatchObject({ completed: 0, nextWakeAt: null });
  });

  it("leaves alone what this processor itself holds", async () => {
    const { fragment, processor, release } = await afterDeath();
    const id = await fragment.services.trigger();
    await processor.wake();
    expect(await processor.recover()).toEqual([]);
    release.resolve();
    await processor.idle();
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("waits for a claim that is under way, whose hooks are its own, too", async () => {
    const { fragment, processor, release } = await afterDeath();
    const id = await fragment.services.trigger();
    const isClaimed = signal();
    const answer = signal();
    claimed = () => {
      isClaimed.resolve();
      return answer.promise;
    };
    onTestFinished(() => void (claimed = null));
    const claiming = processor.wake();
    await isClaimed.promise;
    const recovering = processor.recover();
    // Whatever it would do without waiting, it has begun to.
    await new Promise((resolve) => setImmediate(resolve));
    answer.resolve();
    expect([await claiming, await recovering]).toEqual([1, []]);
    release.resolve();
    await processor.idle();
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("a wake-up meanwhile waits for it, and starts what was taken back", async () => {
    const { fragment, ran, die } = await afterDeath();
    await fragment.services.trigger("once");
    const next = await die();
    const [recovered, started] = await Promise.all([next.recover(), next.wake()]);
    expect([recovered.length, started]).toEqual([1, 1]);
    await next.idle();
    expect(ran).toEqual(["once"]);
  });

  it("a hook whose cancellation was requested ends as cancelled", async () => {
    const { fragment, events, die } = await afterDeath();
    const [cancelled = "", last = ""] = await fragment.services.triggerMany(["interrupted", "lost"]);
    const next = await die();
    for (const id of [cancelled, last]) await fragment.hooks.cancel(id);
    await next.recover({ isLost: ({ id }) => id === last });
    for (const id of [cancelled, last]) {
      expect(await fragment.hooks.get(id)).toMatchObject({ status: "cancelled" });
      expect(events.filter((event) => event.id === id).at(-1)?.type).toBe("cancelled");
    }
    expect(await next.getNextWakeInMs()).toBeNull();
  });

  it("a payload that replaced the one that ran keeps its time", async () => {
    const { fragment, die } = await afterDeath();
    const id = await fragment.services.trigger("old", { key: "one" });
    const next = await die();
    const dueAt = inAnHour();
    await fragment.services.trigger("new", { key: "one", onConflict: "replace", processAt: dueAt });
    await next.recover();
    const waiting = { status: "pending", payload: "new", attempts: 0, dueAt };
    expect(await fragment.hooks.get(id)).toMatchObject(waiting);
    expect(await next.processDue()).toMatchObject({ completed: 0 });
  });

  it("a payload that replaced the one that was lost is attempted, however few attempts there are", async () => {
    const { fragment, ran, die } = await afterDeath({ maxLost: 1, retry: noRetry() });
    const id = await fragment.services.trigger("old", { key: "one" });
    const next = await die();
    await fragment.services.trigger("new", { key: "one", onConflict: "replace" });
    await next.recover({ isLost: () => true });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", payload: "new", lost: 0 });
    expect(await next.processDue()).toMatchObject({ completed: 1 });
    expect(ran).toEqual(["new"]);
  });

  it("takes back more than fit on a page, each once, and closes their leases", async () => {
    const count = 1_203;
    const { fragment, ran, die } = await afterDeath({ concurrency: count });
    const ids = await fragment.services.triggerMany(Array.from({ length: count }, (_, index) => index));
    const next = await die();
    expect(await fragment.hooks.count()).toMatchObject({ processing: count });
    const recovered = await next.recover();
    expect(recovered.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(await fragment.hooks.count()).toMatchObject({ pending: count, processing: 0 });
    expect(await next.processDue()).toMatchObject({ completed: count, nextWakeAt: null });
    expect(new Set(ran).size).toBe(count);
  });

  it("rejects when the database fails, takes nothing back then, and can be called again", async () => {
    const { fragment, die } = await afterDeath();
    await fragment.services.trigger();
    const next = await die();
    isDown = true;
    onTestFinished(() => void (isDown = false));
    expect(await rejection(next.recover())).toBe(down);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, processing: 1 });
    isDown = false;
    expect(await next.recover()).toHaveLength(1);
    expect(await next.processDue()).toMatchObject({ completed: 1 });
  });
});
