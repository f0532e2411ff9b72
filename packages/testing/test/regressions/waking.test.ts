import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { holdUpReading } from "../../../postgres/test/reading.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { comesTrue, diskFailure, dispatchWithoutPoll, soon } from "./bounded.ts";

describe("wake-ups that nobody may lose", () => {
  it("a claim that fails while slots are refilled is made again, long before the backstop poll", async () => {
    let claims = 0;
    const adapter = sqliteAdapter(":memory:", {
      onStatement({ verb, statement, phase }) {
        if (verb !== "claim" || statement !== "begin" || phase !== "before") return;
        claims += 1;
        if (claims === 2) throw diskFailure();
      },
    });
    onTestFinished(() => adapter.close());
    const ran: unknown[] = [];
    const { fragment, processor } = await makeProbe(
      adapter,
      freshNamespace(),
      (payload) => void ran.push(payload),
      { concurrency: 1 },
    );
    await fragment.services.triggerMany([1, 2, 3]);
    dispatchWithoutPoll(processor);
    await comesTrue(() => ran.length === 3);
    expect(ran).toEqual([1, 2, 3]);
  });

  it("a hook that was replaced during its ctx.transaction runs again at once", async () => {
    let looks = 0;
    const adapter = sqliteAdapter(":memory:", {
      onStatement({ verb, phase }) {
        if (verb === "nextWakeInMs" && phase === "after") looks += 1;
      },
    });
    onTestFinished(() => adapter.close());
    const started = signal();
    const replaced = signal();
    const ran: unknown[] = [];
    const { fragment, processor } = await makeProbe(adapter, freshNamespace(), async (payload, ctx) => {
      ran.push(payload);
      if (payload === "old") {
        started.resolve();
        await replaced.promise;
      }
      await ctx.transaction(async () => {});
    });
    await fragment.services.trigger("old", { key: "one" });
    dispatchWithoutPoll(processor);
    await started.promise;
    const before = looks;
    await fragment.services.trigger("new", { key: "one", onConflict: "replace" });
    // The wake-up of the replacement is used up while the hook still runs.
    expect(await comesTrue(() => looks > before + 1)).toBe(true);
    replaced.resolve();
    await comesTrue(() => ran.length === 2);
    expect(ran).toEqual(["old", "new"]);
  });
});

describe("cancellations that nobody may lose", () => {
  it("a cancellation that comes while leases are being renewed reaches its hook at once", async () => {
    const renewed = signal();
    const isHeld = signal();
    const adapter = postgresAdapter(inject("postgresUrl"), {
      listen: false,
      async onStatement({ verb, phase }) {
        if (verb !== "extend" || phase !== "after") return;
        isHeld.resolve();
        await renewed.promise;
      },
    });
    onTestFinished(() => adapter.close());
    const stopped: unknown[] = [];
    const { fragment, processor } = await makeProbe(
      adapter,
      freshNamespace(),
      (payload, { signal: stop }) =>
        new Promise<void>((resolve) => {
          stop.addEventListener("abort", () => {
            stopped.push(payload);
            resolve();
          });
        }),
    );
    const [one, other] = await fragment.services.triggerMany(["one", "other"]);
    dispatchWithoutPoll(processor);
    expect(await comesTrue(() => processor.running === 2)).toBe(true);
    await fragment.hooks.cancel(String(one));
    await isHeld.promise;
    await fragment.hooks.cancel(String(other));
    renewed.resolve();
    await comesTrue(() => stopped.length === 2);
    expect(stopped).toEqual(["one", "other"]);
  });
});

describe("a claim on PostgreSQL", () => {
  const database = useDatabase("postgres.js");

  it("a hook with a large payload that is cancelled between a claim's lease and its bodies is not begun", async () => {
    const begun: string[] = [];
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (_payload, ctx) => void begun.push(ctx.id),
    );
    const reading = await holdUpReading(database.location ?? "");
    onTestFinished(() => reading.close());
    const id = await fragment.services.trigger("large".padEnd(3_000));
    await reading.between(
      async () => dispatchWithoutPoll(processor),
      () => fragment.hooks.cancel(id),
    );
    expect(await comesTrue(async () => (await fragment.hooks.get(id))?.status === "cancelled")).toBe(true);
    expect(begun).toEqual([]);
  });
});

describe("a dense stream of scheduled hooks", () => {
  const database = useDatabase("postgres.js");

  it("starts each on time, without the backstop poll", async () => {
    const late: number[] = [];
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), (payload) => {
      late.push(Date.now() - Number(payload));
    });
    const first = Date.now() + 1_000;
    await fragment.transaction(async (uow) => {
      for (let at = first; at < first + 2_500; at += 1)
        uow.triggerHook("work", at, { processAt: new Date(at) });
    });
    dispatchWithoutPoll(processor);
    await soon(
      (async () => {
        await comesTrue(() => late.length > 0);
        for (let round = 0; round < 8 && late.length < 2_500; round += 1)
          await comesTrue(() => late.length === 2_500);
      })(),
      10_000,
    );
    expect(late).toHaveLength(2_500);
    expect(Math.max(...late)).toBeLessThan(1_000);
  }, 20_000);
});
