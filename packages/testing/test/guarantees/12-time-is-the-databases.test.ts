import { type Clock, systemClock } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { postgresAdapter } from "@sherd/postgres";
import postgres from "postgres";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

const hourMs = 3_600_000;

describe.each(everyDatabase)("12. Time is the database's, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a hook due in 1,500 ms starts within 100 ms of its time although the poll is every 5 s", async () => {
    const lateMs: number[] = [];
    const all = signal();
    // A machine that is busy makes one of them late, but hardly all.
    const due = [1_500, 1_650, 1_800, 1_950, 2_100];
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), (dueAt) => {
      if (lateMs.push(Date.now() - Number(dueAt)) === due.length) all.resolve();
    });
    const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: 5_000 });
    dispatcher.startPolling();
    onTestFinished(() => dispatcher.stopPolling());
    const now = Date.now();
    for (const inMs of due) await fragment.services.trigger(now + inMs, { processAt: new Date(now + inMs) });
    await all.promise;
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(-1);
    expect(Math.min(...lateMs)).toBeLessThan(100);
    expect(Math.max(...lateMs)).toBeLessThan(1_500);
  });

  it.each([-hourMs, hourMs])(
    "a worker whose clock is %i ms off runs nothing early and loses nothing",
    async (skewMs) => {
      const runs: unknown[] = [];
      const clock: Clock = { ...systemClock, now: () => Date.now() + skewMs };
      const { fragment, processor, events } = await makeProbe(
        database.adapter(),
        freshNamespace(),
        (payload) => void runs.push(payload),
        { clock, leaseMs: 1_000 },
      );
      await fragment.services.trigger("now");
      await fragment.services.trigger("in half an hour", { processAt: new Date(Date.now() + hourMs / 2) });
      await processor.processDue();
      await processor.wake();
      expect(runs).toEqual(["now"]);
      expect(events.map(({ type }) => type)).toEqual(["claimed", "completed"]);
      const inMs = await processor.getNextWakeInMs();
      expect(inMs).toBeGreaterThan(hourMs / 2 - 60_000);
      expect(inMs).toBeLessThanOrEqual(hourMs / 2);
    },
  );
});

describe("12. Time is the database's, in other time zones", () => {
  const database = useDatabase("postgres.js");

  it.each(["America/New_York", "Asia/Kolkata"])("the server's zone %s changes no due time", async (zone) => {
    const location = database.location ?? "";
    const sql = postgres(location, { max: 1 });
    await sql.unsafe(`alter database ${new URL(location).pathname.slice(1)} set timezone to '${zone}'`);
    await sql.end();
    const adapter = postgresAdapter(location);
    onTestFinished(() => adapter.close());
    const { fragment, processor } = await makeProbe(adapter, freshNamespace());
    const dueAt = new Date(Date.now() + hourMs);
    const id = await fragment.services.trigger(null, { processAt: dueAt });
    const hook = await fragment.hooks.get(id);
    expect(hook?.dueAt).toEqual(dueAt);
    expect(Math.abs((hook?.createdAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await processor.processDue()).toMatchObject({ completed: 0 });
    const inMs = (await processor.getNextWakeInMs()) ?? 0;
    expect(Math.abs(inMs - hourMs)).toBeLessThan(60_000);
    await fragment.services.trigger(null, { processAt: new Date(Date.now() - hourMs) });
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
  });
});
