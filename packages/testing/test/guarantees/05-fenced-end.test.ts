import { isSherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "./probe.ts";
import { loseLeases, stalled } from "./stalled-process.ts";

describe.each(everyDatabase)("5. Fenced end, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a result that comes after its lease was lost changes nothing, hurts no other, and is reported", async () => {
    const stale = signal();
    const running: string[] = [];
    const adapter = database.adapter();
    const { fragment, processor, events } = await makeProbe(
      adapter,
      freshNamespace(),
      async (payload, ctx) => {
        running.push(`${String(payload)}#${ctx.attempt}`);
        if (payload === "stale" && ctx.attempt === 1) await stale.promise;
        if (ctx.attempt === 2) throw new Error("the live attempt fails");
      },
      stalled,
    );
    const id = await fragment.services.trigger("stale");
    await processor.wake();
    expect(await loseLeases(adapter, fragment.namespace)).toBe(1);
    await processor.wake();
    const other = await fragment.services.trigger("other");
    stale.resolve();
    await processor.wake();
    await processor.idle();
    expect(running).toEqual(["stale#1", "stale#2", "other#1"]);
    // The stale attempt completed, and the live one failed: what counts is the live one.
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", failures: 1, lost: 1 });
    expect(await fragment.hooks.get(other)).toMatchObject({ status: "completed" });
    const fenced = events.find(({ type }) => type === "fenced");
    expect(fenced).toMatchObject({ id, attempt: 1 });
    expect(fenced?.type === "fenced" && isSherdError(fenced.error, "LEASE_LOST")).toBe(true);
  });

  it("a running hook that is cancelled has its signal aborted and its result fenced", async () => {
    const started = signal();
    const { fragment, processor, events } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      async (_payload, ctx) => {
        const stopped = new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
        started.resolve();
        await stopped;
        expect(isSherdError(ctx.signal.reason, "CANCELLED")).toBe(true);
      },
    );
    const unsubscribe = await processor.subscribe({ onWake() {}, onDueIn() {}, onError() {} });
    const id = await fragment.services.trigger();
    await processor.wake();
    await started.promise;
    expect(await fragment.hooks.cancel(id)).toBe("requested");
    await processor.idle();
    await unsubscribe();
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "cancelled" });
    expect(events.map(({ type }) => type)).toEqual(["claimed", "cancelled"]);
  });
});
