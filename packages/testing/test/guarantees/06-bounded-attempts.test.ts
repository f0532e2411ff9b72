import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";
import { loseLeases, stalled } from "./stalled-process.ts";

describe.each(everyDatabase)("6. Bounded attempts, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a hook whose attempts are never heard of again ends as failed after three losses, and alone", async () => {
    const adapter = database.adapter();
    const namespace = freshNamespace();
    const attempts: string[] = [];
    const run = (payload: unknown, ctx: { readonly attempt: number }): Promise<void> => {
      attempts.push(`${String(payload)}#${ctx.attempt}`);
      return payload === "poison" || ctx.attempt === 1 ? new Promise(() => {}) : Promise.resolve();
    };
    const { fragment, processor, events } = await makeProbe(adapter, namespace, run, stalled);
    const poison = await fragment.services.trigger("poison");
    const mate = await fragment.services.trigger("mate");
    await processor.wake();
    expect(await loseLeases(adapter, namespace)).toBe(2);
    await processor.wake();
    expect(await loseLeases(adapter, namespace)).toBe(1);
    await processor.wake();
    expect(await loseLeases(adapter, namespace)).toBe(1);
    await processor.wake();
    expect(attempts).toEqual(["poison#1", "mate#1", "poison#2", "mate#2", "poison#3"]);
    expect(await fragment.hooks.get(mate)).toMatchObject({ status: "completed", lost: 1 });
    const failed = await fragment.hooks.get(poison);
    expect(failed).toMatchObject({ status: "failed", lost: 3, attempts: 3, lastError: { code: "LOST" } });
    expect(events.filter(({ type }) => type === "completed")).toHaveLength(1);
  });

  it("an attempt that holds its hook too long is lost, its signal aborts, and someone hears of it", async () => {
    const stuck: unknown[] = [];
    const reasons: unknown[] = [];
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (_payload, ctx) => {
        ctx.signal.addEventListener("abort", () => reasons.push(ctx.signal.reason));
        return ctx.attempt === 1 ? new Promise(() => {}) : Promise.resolve();
      },
      {
        stuckProcessingTimeoutMinutes: 0.001,
        onStuckProcessingHooks: ({ timeoutMinutes, events }) => stuck.push(timeoutMinutes, ...events),
      },
    );
    const id = await fragment.services.trigger();
    await processor.processDue();
    await processor.processDue();
    expect(stuck).toMatchObject([0.001, { id, name: "work", lost: 1, end: "ready" }]);
    expect(reasons).toMatchObject([{ code: "HOOK_STUCK" }]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", lost: 1, attempts: 2 });
  });
});
