import { fixed } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

describe.each(everyDatabase)("11. Order, on %s", (kind) => {
  const database = useDatabase(kind);

  it("due hooks start by priority, then in the order in which they were triggered", async () => {
    const order: unknown[] = [];
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (payload) => void order.push(payload),
      { concurrency: 1 },
    );
    await fragment.transaction(async (uow) => {
      uow.triggerHook("work", "low", { priority: -1 });
      uow.triggerHook("work", "first");
      uow.triggerHook("work", "high", { priority: 5 });
      uow.triggerHook("extra", "second");
    });
    await fragment.services.trigger("third");
    await processor.processDue();
    expect(order).toEqual(["high", "first", "second", "third", "low"]);
  });

  it("hooks of one concurrency key run one at a time and in order, beside those of other keys", async () => {
    let inFlight = 0;
    let most = 0;
    const order: unknown[] = [];
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), async (payload) => {
      const isKeyed = (payload as string).startsWith("key");
      if (isKeyed) most = Math.max(most, ++inFlight);
      order.push(payload);
      await new Promise((resolve) => setImmediate(resolve));
      if (isKeyed) inFlight -= 1;
    });
    await fragment.transaction(async (uow) => {
      for (const index of [1, 2, 3, 4, 5]) {
        uow.triggerHook("work", `key ${index}`, { concurrencyKey: "account 7" });
        uow.triggerHook("work", `free ${index}`);
      }
    });
    await processor.processDue();
    const keyed = order.filter((payload) => String(payload).startsWith("key"));
    expect(keyed).toEqual(["key 1", "key 2", "key 3", "key 4", "key 5"]);
    expect(most).toBe(1);
    expect(order).toHaveLength(10);
  });

  it.each([
    { releaseKeyOnRetry: false, expected: ["a#1", "a#2", "b#1"] },
    { releaseKeyOnRetry: true, expected: ["a#1", "b#1", "a#2"] },
  ])("a retrying hook keeps its key's place, unless it releases it: $releaseKeyOnRetry", async (given) => {
    const order: string[] = [];
    const { fragment, processor } = await makeProbe(
      database.adapter(),
      freshNamespace(),
      (payload, ctx) => {
        order.push(`${String(payload)}#${ctx.attempt}`);
        if (payload === "a" && ctx.attempt === 1) throw new Error("once more");
      },
      { retry: fixed({ delayMs: 30, maxAttempts: 3 }) },
    );
    const { releaseKeyOnRetry } = given;
    await fragment.services.triggerMany(["a", "b"], { concurrencyKey: "account 7", releaseKeyOnRetry });
    while (order.length < 3) await processor.processDue();
    expect(order).toEqual(given.expected);
  });
});
