import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed } from "../settlement.ts";

export const extend: Guarantees = {
  "extending keeps a lease, also one past its time that was not swept yet": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    expect(await q.storage.extend(q.queue, [item.lease], 60_000)).toEqual({ gone: [], cancelled: [] });
    expect((await q.sweep()).lost).toEqual([]);
    expect(await q.settle(completed(item))).toEqual(["settled"]);
  },

  "a lease lasts as long as it was last extended for": async (q) => {
    const [item] = await q.claimNew({}, {});
    await q.storage.extend(q.queue, [item.lease], 1);
    await q.pass(2);
    expect((await q.sweep()).lost).toMatchObject([{ id: item.id }]);
  },

  "a lease that was swept or never was is gone, and the others are renewed": async (q) => {
    const [swept] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    await q.sweep();
    await q.claimOne();
    const [standing] = await q.claimNew({ leaseMs: 1 }, {});
    const unknown = crypto.randomUUID();
    const { gone } = await q.storage.extend(q.queue, [swept.lease, standing.lease, unknown], 60_000);
    expect(gone.toSorted()).toEqual([swept.lease, unknown].toSorted());
    await q.pass(2);
    expect((await q.sweep()).lost).toEqual([]);
  },

  "extending tells which items of these leases are asked to stop": async (q) => {
    const [a, , finished] = await q.claimNew({}, {}, {}, {});
    const [elsewhere] = await q.claimNew({}, {});
    for (const { id } of [a, finished, elsewhere])
      expect(await q.storage.cancel(q.queue, id)).toBe("requested");
    await q.settle(completed(finished));
    expect(await q.storage.extend(q.queue, [a.lease], 60_000)).toEqual({ gone: [], cancelled: [a.id] });
  },

  "extending nothing answers nothing": async (q) => {
    expect(await q.storage.extend(q.queue, [], 60_000)).toEqual({ gone: [], cancelled: [] });
  },
};
