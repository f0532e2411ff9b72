import { fixed, isSherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

const hangs = () => new Promise<void>(() => {});

describe.each(everyDatabase)("8. Isolation, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a hung hook delays no other beyond its slot, and no other fragment", async () => {
    const adapter = database.adapter();
    const done: unknown[] = [];
    const run = (payload: unknown) => (payload === "hang" ? hangs() : void done.push(payload));
    const busy = await makeProbe(adapter, freshNamespace(), run, { concurrency: 2 });
    const full = await makeProbe(adapter, freshNamespace(), run, { concurrency: 1 });
    const calm = await makeProbe(adapter, freshNamespace(), run, { concurrency: 1 });
    const payloads = Array.from({ length: 20 }, (_, index) => index);
    await busy.fragment.services.triggerMany(["hang", ...payloads]);
    await full.fragment.services.triggerMany(["hang", "waits"]);
    await calm.fragment.services.trigger("calm");
    const [first, second, third] = await Promise.all([
      busy.processor.processDue({ deadlineMs: 1_500 }),
      full.processor.processDue({ deadlineMs: 1_500 }),
      calm.processor.processDue({ deadlineMs: 1_500 }),
    ]);
    expect([first.completed, second.completed, third.completed]).toEqual([20, 0, 1]);
    expect(done.filter((payload) => typeof payload === "number")).toEqual(payloads);
  });

  it("a hook that overruns its timeout fails with HOOK_TIMEOUT and frees its slot, whatever its handler does", async () => {
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (payload) => (payload === "hang" ? hangs() : undefined),
      { concurrency: 1, retry: fixed({ delayMs: 0, maxAttempts: 1 }) },
    );
    const slow = await fragment.services.trigger("hang", { timeoutMs: 50 });
    await fragment.services.trigger("next");
    expect(await processor.processDue({ deadlineMs: 5_000 })).toMatchObject({ completed: 1, failed: 1 });
    expect(await fragment.hooks.get(slow)).toMatchObject({
      status: "failed",
      lastError: { code: "HOOK_TIMEOUT" },
    });
  });

  it("one that fails, with whatever it throws, settles apart from its batch-mates", async () => {
    const thrown = [new Error("an error"), "a text", null, undefined, { code: 42 }, Symbol("odd")];
    const { fragment, processor, events } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (payload) => {
        if (typeof payload === "number") throw thrown[payload];
      },
      { retry: fixed({ delayMs: 0, maxAttempts: 1 }) },
    );
    await fragment.services.triggerMany([...thrown.keys(), "fine", "fine"]);
    expect(await processor.processDue()).toMatchObject({ completed: 2, failed: thrown.length });
    expect(events.some((event) => event.type === "failed" && isSherdError(event.error))).toBe(false);
  });
});
