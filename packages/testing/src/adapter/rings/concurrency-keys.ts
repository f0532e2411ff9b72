import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { completed, parked, released, retryIn } from "../settlement.ts";

const hourMs = 3_600_000;
const keyed = { concurrencyKey: "k" };

export const concurrencyKeys: Guarantees = {
  "items of one concurrency key are claimed one at a time, in order": async (q) => {
    const ids = await q.enqueue(keyed, keyed, keyed);
    for (const id of ids) {
      const item = await q.claimOne();
      expect(item.id).toBe(id);
      expect(await q.claimIds()).toEqual([]);
      await q.settle(completed(item));
    }
  },

  "within a concurrency key, a higher priority goes first": async (q) => {
    const [, urgent] = await q.enqueue(keyed, { ...keyed, priority: 1 });
    expect(await q.claimIds()).toEqual([urgent]);
  },

  "different concurrency keys go side by side, those of other queues too": async (q) => {
    const [a, , b, none] = await q.enqueue(keyed, keyed, { concurrencyKey: "other" }, {});
    expect(await q.claimIds()).toEqual([a, b, none]);
    const queue = `${q.queue}/other`;
    const [elsewhere] = await q.enqueue({ ...keyed, queue });
    expect(await q.claimIds({ queue })).toEqual([elsewhere]);
  },

  "a busy concurrency key hides nothing that is free": async (q) => {
    await q.enqueue(keyed, keyed, keyed, keyed, {}, { concurrencyKey: "other" }, {});
    expect(await claimAll(q, 2)).toBe(4);
  },

  "an item that waits for its retry keeps its place in its key": async (q) => {
    const [item] = await q.claimNew({}, keyed);
    const [next] = await q.enqueue(keyed);
    await q.settle(retryIn(item, hourMs));
    expect(await q.claimIds()).toEqual([]);
    await q.storage.cancel(q.queue, item.id);
    expect(await q.claimIds()).toEqual([next]);
  },

  "a retry that is due goes before the next of its key": async (q) => {
    const [item] = await q.claimNew({}, keyed);
    await q.enqueue(keyed);
    await q.settle(retryIn(item, 1));
    await q.pass(2);
    await q.sweep();
    expect(await q.claimIds()).toEqual([item.id]);
  },

  "an item may release its key while it waits for its retry": async (q) => {
    const [item] = await q.claimNew({}, { ...keyed, releaseKeyOnRetry: true });
    const [next] = await q.enqueue(keyed);
    await q.settle(retryIn(item, hourMs));
    expect(await q.claimIds()).toEqual([next]);
  },

  "an item that was never attempted holds no key while it is timed": async (q) => {
    const [, ready] = await q.enqueue({ ...keyed, dueAt: q.now() + hourMs }, keyed);
    expect(await q.claimIds()).toEqual([ready]);
  },

  "a parked item holds no key": async (q) => {
    const [item] = await q.claimNew({}, keyed);
    const [next] = await q.enqueue(keyed);
    await q.settle(parked(item));
    expect(await q.claimIds()).toEqual([next]);
  },

  "a released item is the next of its key": async (q) => {
    const [item] = await q.claimNew({}, keyed);
    await q.enqueue(keyed);
    await q.settle(released(item));
    expect(await q.claimIds()).toEqual([item.id]);
  },

  "an item that is replaced keeps its concurrency key, so that a running attempt keeps it busy": async (
    q,
  ) => {
    const [item] = await q.claimNew({}, { ...keyed, key: "a" });
    await q.enqueueInConflict({ key: "a", concurrencyKey: "other", onConflict: "replace" });
    const [, free] = await q.enqueue(keyed, { concurrencyKey: "other" });
    expect(await q.claimIds()).toEqual([free]);
    expect(await q.settle(completed(item))).toEqual(["replaced"]);
    expect(await q.claimOne()).toMatchObject({ id: item.id, concurrencyKey: "k", revision: 1 });
  },

  "an item that is replaced keeps whether it releases its key": async (q) => {
    const first = q.newItem({ ...keyed, key: "a" });
    const second = { ...keyed, key: "a", releaseKeyOnRetry: true, onConflict: "replace" } as const;
    await q.enqueueInConflict(first, second);
    await q.enqueueInConflict(second);
    const item = await q.claimOne();
    await q.enqueue(keyed);
    await q.settle(retryIn(item, hourMs));
    expect(await q.claimIds()).toEqual([]);
  },

  "a payload that is due later keeps no key busy because the one that it replaced was lost": async (q) => {
    await q.claimNew({ leaseMs: 1 }, { ...keyed, key: "a" });
    await q.enqueueInConflict({ ...keyed, key: "a", dueAt: q.now() + hourMs, onConflict: "replace" });
    const [next] = await q.enqueue(keyed);
    await q.pass(2);
    await q.sweep();
    expect(await q.claimIds()).toEqual([next]);
  },

  "a key stays busy after its lease expired, and is the lost item's again once it is swept": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, keyed);
    await q.enqueue(keyed);
    await q.pass(2);
    expect(await q.claimIds()).toEqual([]);
    await q.sweep();
    expect(await q.claimIds()).toEqual([item.id]);
  },
};

/** Claim as a processor does, until it is told that there is no more. */
async function claimAll(q: QueueUnderTest, limit: number): Promise<number> {
  let claimed = 0;
  for (let round = 0; round < 20; round++) {
    const { items, more } = await q.claim({ limit });
    claimed += items.length;
    if (!more) return claimed;
  }
  throw new Error("Each of 20 claims told of more.");
}
