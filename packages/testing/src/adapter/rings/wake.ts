import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { parked } from "../settlement.ts";

const hourMs = 3_600_000;

export const wake: Guarantees = {
  "waking makes parked items of these keys ready, and others stay": async (q) => {
    const [a, b, c] = await q.claimNew({}, { key: "a" }, { key: "b" }, { key: "c" });
    await q.settle(parked(a), parked(b), parked(c));
    expect(await q.storage.wake(q.queue, ["a", "c", "unknown"])).toBe(2);
    expect(await q.claimIds()).toEqual([a.id, c.id]);
    expect(await q.view(b.id)).toMatchObject({ state: "parked" });
  },

  "waking again does nothing": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await q.settle(parked(item));
    expect(await q.storage.wake(q.queue, ["a"])).toBe(1);
    expect(await q.storage.wake(q.queue, ["a"])).toBe(0);
    await q.claimOne();
    expect(await q.storage.wake(q.queue, ["a"])).toBe(0);
    expect(await q.claimIds()).toEqual([]);
  },

  "waking leaves timed items and other queues as they are": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await q.settle(parked(item));
    const [timed] = await q.enqueue({ key: "b", dueAt: q.now() + hourMs });
    expect(await q.storage.wake(`${q.queue}/other`, ["a"])).toBe(0);
    expect(await q.storage.wake(q.queue, ["b"])).toBe(0);
    expect(await q.storage.wake(q.queue, [])).toBe(0);
    expect(await q.view(timed)).toMatchObject({ state: "timed" });
    expect(await q.claimIds()).toEqual([]);
  },

  "waking in a transaction takes effect when it commits": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await q.settle(parked(item));
    const transaction = q.adapter.transaction(async (tx) => {
      expect(await q.storage.wake(q.queue, ["a"], tx)).toBe(1);
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    expect(await q.claimIds()).toEqual([]);
    await q.adapter.transaction((tx) => q.storage.wake(q.queue, ["a"], tx));
    expect(await q.claimIds()).toEqual([item.id]);
  },

  "replacing a parked item wakes it": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await q.settle(parked(item));
    await q.enqueueInConflict({ key: "a", onConflict: "replace" });
    expect(await q.claimIds()).toEqual([item.id]);
  },
};
