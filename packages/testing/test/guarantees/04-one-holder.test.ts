import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

describe.each(everyDatabase)("4. One holder, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a hook that runs three times longer than its lease runs once, because its lease is renewed", async () => {
    let runs = 0;
    const started = signal();
    const leaseMs = 300;
    const { fragment, processor, events } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      async () => {
        runs += 1;
        started.resolve();
        await new Promise((resolve) => setTimeout(resolve, 3 * leaseMs));
      },
      { leaseMs },
    );
    await fragment.services.trigger();
    await processor.wake();
    await started.promise;
    const { storage } = fragment.databaseAdapter;
    const lost: string[] = [];
    while (processor.running > 0) {
      const sweep = await storage.sweep(`hook/${fragment.namespace}`, 100, 3);
      lost.push(...sweep.lost.map(({ id }) => id));
      await processor.wake();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect({ runs, lost }).toEqual({ runs: 1, lost: [] });
    expect(events.map(({ type }) => type)).toEqual(["claimed", "completed"]);
  });

  it("a hook is claimed by one of many claims that come at once", async () => {
    const runs = new Map<string, number>();
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (_payload, ctx) => {
        runs.set(ctx.id, (runs.get(ctx.id) ?? 0) + 1);
      },
      { concurrency: 7 },
    );
    const ids = await fragment.services.triggerMany(Array.from({ length: 100 }, (_, index) => index));
    await Promise.all(Array.from({ length: 10 }, () => processor.wake()));
    await processor.processDue();
    expect([...runs.keys()].toSorted()).toEqual(ids.toSorted());
    expect(new Set(runs.values())).toEqual(new Set([1]));
  });
});
