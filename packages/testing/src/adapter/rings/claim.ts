import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { uuidv7 } from "../new-item.ts";
import { completed } from "../settlement.ts";

export const claim: Guarantees = {
  "items are claimed by priority, then in trigger order, whatever clocks made their ids": async (q) => {
    const clock = Date.now();
    const [third] = await q.enqueue({ id: uuidv7(clock) });
    const [fourth, second] = await q.enqueue(
      { id: uuidv7(clock - 60_000) },
      { id: uuidv7(clock - 120_000), priority: 1 },
    );
    const [first, last] = await q.enqueue(
      { id: uuidv7(clock + 60_000), priority: 7 },
      { id: uuidv7(0), priority: -1 },
    );
    expect(await q.claimIds({ limit: 2 })).toEqual([first, second]);
    expect(await q.claimIds()).toEqual([third, fourth, last]);
  },

  "an item is claimed once while its lease stands": async (q) => {
    const [item] = await q.claimNew({}, {});
    expect(await q.claim()).toEqual({ items: [], more: false });
    expect(await q.view(item.id)).toMatchObject({
      held: true,
      owner: "a worker",
      state: "ready",
      dueAt: null,
    });
  },

  "an item stays held after its lease expired, until it is swept": async (q) => {
    await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    expect(await q.claimIds()).toEqual([]);
  },

  "only known names are claimed": async (q) => {
    const [a, , c] = await q.enqueue({ name: "a" }, { name: "b" }, { name: "c" });
    expect(await q.claimIds({ names: ["unknown"] })).toEqual([]);
    expect(await q.claimIds({ names: ["a", "c", "unknown"] })).toEqual([a, c]);
  },

  "only the queue asked for is claimed": async (q) => {
    const [id] = await q.enqueue({}, { queue: `${q.queue}/other` });
    expect(await q.claimIds()).toEqual([id]);
  },

  "a claim takes no more than its limit, and tells whether there is more": async (q) => {
    const ids = await q.enqueue({}, {}, {}, {}, {});
    const first = await q.claim({ limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first.more).toBe(true);
    const rest = await q.claim({ limit: 4 });
    expect(rest.items.map(({ id }) => id)).toEqual(ids.slice(2));
    expect(rest.more).toBe(false);
  },

  "a batch comes in one lease, another claim in another": async (q) => {
    const [a, b] = await q.claimNew({}, {}, {});
    const [c] = await q.claimNew({}, {});
    expect(a.lease).toBe(b.lease);
    expect(a.lease).not.toBe(c.lease);
  },

  "items that were lost before come in leases of one": async (q) => {
    const [a, b] = await q.claimNew({ leaseMs: 1 }, {}, {});
    await q.pass(2);
    await q.sweep();
    const fresh = await q.enqueue({}, {});
    const { items } = await q.claim({ leaseMs: 1 });
    expect(items.map(({ id, lost }) => [id, lost])).toEqual([
      [a.id, 1],
      [b.id, 1],
      ...fresh.map((id) => [id, 0]),
    ]);
    const [leaseOfA, leaseOfB, ...leasesOfFresh] = items.map(({ lease }) => lease);
    expect(new Set(leasesOfFresh).size).toBe(1);
    expect(new Set([leaseOfA, leaseOfB, ...leasesOfFresh]).size).toBe(3);
    await q.pass(2);
    expect((await q.sweep()).lost.map(({ id }) => id).toSorted()).toEqual(
      items.map(({ id }) => id).toSorted(),
    );
  },

  "a claim ends the leases that it is told are closed": async (q) => {
    const [item] = await q.claimNew({}, {});
    const [running] = await q.claimNew({}, {});
    await q.settle(completed(item));
    await q.claim({}, [item.lease, crypto.randomUUID()]);
    const { gone } = await q.storage.extend(q.queue, [item.lease, running.lease], 60_000);
    expect(gone).toEqual([item.lease]);
  },

  "a claim that finds nothing leaves no lease behind": async (q) => {
    await q.claim({ leaseMs: 60_000 });
    expect(await q.nextWakeInMs()).toBeNull();
  },
};
