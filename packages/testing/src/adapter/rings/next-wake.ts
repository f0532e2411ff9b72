import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, parked, retryIn } from "../settlement.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;

export const nextWake: Guarantees = {
  "there is nothing to wake for in an empty queue, nor for parked and finished items": async (q) => {
    expect(await q.nextWakeInMs()).toBeNull();
    const [waiting, done] = await q.claimNew({}, { key: "a" }, {});
    await q.settle(parked(waiting), completed(done));
    await q.storage.closeLeases([done.lease]);
    expect(await q.nextWakeInMs()).toBeNull();
  },

  "an item that can be claimed wakes at once": async (q) => {
    await q.enqueue({});
    expect(await q.nextWakeInMs()).toBe(0);
  },

  "a ready item that the caller cannot run does not wake it": async (q) => {
    await q.enqueue({ name: "unknown" });
    expect(await q.nextWakeInMs()).toBeNull();
    expect(await q.storage.nextWakeInMs(q.queue, ["deliver", "unknown"])).toBe(0);
  },

  "a held item wakes when its lease expires": async (q) => {
    await q.claimNew({ leaseMs: minuteMs }, {});
    expectWithin(await q.nextWakeInMs(), minuteMs);
    await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    expect(await q.nextWakeInMs()).toBe(0);
    await q.sweep();
    await q.claimOne({ leaseMs: minuteMs });
    expectWithin(await q.nextWakeInMs(), minuteMs);
  },

  "an item whose concurrency key is held wakes nobody before its time": async (q) => {
    await q.claimNew({ leaseMs: minuteMs }, { concurrencyKey: "k" });
    await q.enqueue({ concurrencyKey: "k" });
    expectWithin(await q.nextWakeInMs(), minuteMs);
  },

  "an item whose concurrency key waits for a retry wakes nobody before its time": async (q) => {
    const [item] = await q.claimNew({}, { concurrencyKey: "k" });
    await q.settle(retryIn(item, hourMs));
    await q.storage.closeLeases([item.lease]);
    await q.enqueue({ concurrencyKey: "k" });
    expectWithin(await q.nextWakeInMs(), hourMs);
    await q.enqueue({ concurrencyKey: "other" });
    expect(await q.nextWakeInMs()).toBe(0);
  },

  "a timed item wakes when it is due, the earliest first, whatever its name": async (q) => {
    await q.enqueue({ dueAt: q.now() + 3 * hourMs }, { name: "unknown", dueAt: q.now() + hourMs });
    expectWithin(await q.nextWakeInMs(), hourMs);
    await q.enqueue({ dueAt: q.now() + 20 });
    await q.pass(30);
    expect(await q.nextWakeInMs()).toBe(0);
  },

  "a timed item wakes before a lease that expires later": async (q) => {
    await q.claimNew({ leaseMs: hourMs }, {});
    await q.enqueue({ dueAt: q.now() + minuteMs });
    expectWithin(await q.nextWakeInMs(), minuteMs);
  },

  "whenever a queue wakes at once, a claim or a sweep finds something": async (q) => {
    await q.enqueue(
      { dueAt: q.now() + 20 },
      { concurrencyKey: "k" },
      { concurrencyKey: "k" },
      { name: "unknown" },
    );
    await q.pass(30);
    for (let round = 0; (await q.nextWakeInMs()) === 0; round++) {
      const { promoted, lost } = await q.sweep();
      const { items } = await q.claim({ limit: 1 });
      expect(promoted + lost.length + items.length, `found nothing in round ${round}`).toBeGreaterThan(0);
    }
    expect(await q.storage.count(q.queue)).toMatchObject({ processing: 2, pending: 2 });
  },
};

/** Due in `ms`, less what the test took so far. */
function expectWithin(wakeInMs: number | null, ms: number): void {
  expect(wakeInMs).toBeGreaterThan(ms - 30_000);
  expect(wakeInMs).toBeLessThanOrEqual(ms);
}
