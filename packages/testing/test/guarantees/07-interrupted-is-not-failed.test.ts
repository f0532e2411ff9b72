import { isSherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

describe.each(everyDatabase)("7. Interrupted is not failed, on %s", (kind) => {
  const database = useDatabase(kind);

  it("stopping lets running hooks end within the deadline", async () => {
    const started = signal();
    const finish = signal();
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), async () => {
      started.resolve();
      await finish.promise;
    });
    const id = await fragment.services.trigger();
    await processor.wake();
    await started.promise;
    const stopped = processor.stop({ deadlineMs: 10_000 });
    const later = await fragment.services.trigger();
    await processor.wake();
    finish.resolve();
    await stopped;
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed" });
    expect(await fragment.hooks.get(later)).toMatchObject({ status: "pending", attempts: 0 });
  });

  it("at the deadline signals abort and the work is given back at once, with no attempt used up", async () => {
    const started = signal();
    const reasons: unknown[] = [];
    const { fragment, processor, events } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      async (payload, ctx) => {
        ctx.signal.addEventListener("abort", () => reasons.push(ctx.signal.reason));
        if (payload === "polite") {
          await new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", reject));
        }
        started.resolve();
        await new Promise(() => {});
      },
    );
    const ids = await fragment.services.triggerMany(["deaf", "polite"]);
    await processor.wake();
    await started.promise;
    await processor.stop({ deadlineMs: 0 });
    expect(reasons.every((reason) => isSherdError(reason, "INTERRUPTED"))).toBe(true);
    expect(reasons).toHaveLength(2);
    for (const id of ids) {
      expect(await fragment.hooks.get(id)).toMatchObject({
        status: "pending",
        attempts: 0,
        failures: 0,
        lost: 0,
      });
    }
    expect(events.filter(({ type }) => type === "given-back")).toHaveLength(2);
  });
});
