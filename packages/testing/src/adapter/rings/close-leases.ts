import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, released } from "../settlement.ts";

export const closeLeases: Guarantees = {
  "a lease stands until it is closed, whatever its items did": async (q) => {
    const [done, back] = await q.claimNew({}, {}, {});
    await q.settle(completed(done), released(back));
    expect((await q.storage.extend(q.queue, [done.lease], 60_000)).gone).toEqual([]);
    await q.storage.closeLeases([done.lease]);
    expect((await q.storage.extend(q.queue, [done.lease], 60_000)).gone).toEqual([done.lease]);
  },

  "closing leases again, unknown ones, or none does nothing": async (q) => {
    const [done] = await q.claimNew({}, {});
    const [running] = await q.claimNew({}, {});
    await q.settle(completed(done));
    await q.storage.closeLeases([]);
    await q.storage.closeLeases([done.lease, crypto.randomUUID()]);
    await q.storage.closeLeases([done.lease]);
    expect(await q.settle(completed(running))).toEqual(["settled"]);
  },
};
