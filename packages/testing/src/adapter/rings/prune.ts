import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, failed } from "../settlement.ts";

const hourMs = 3_600_000;

export const prune: Guarantees = {
  "items that finished so long ago are deleted, of one outcome and queue": async (q) => {
    const [done, dead, running] = await q.claimNew({}, {}, {}, {});
    const [gone, pending] = await q.enqueue({}, {});
    await q.settle(completed(done), failed(dead));
    await q.storage.cancel(q.queue, gone);
    await q.pass(5);
    const finished = { completed: done.id, failed: dead.id, cancelled: gone } as const;
    for (const [name, id] of Object.entries(finished)) {
      const outcome = name as keyof typeof finished;
      expect(await q.storage.prune(q.queue, outcome, hourMs, 100)).toBe(0);
      expect(await q.storage.prune(`${q.queue}/other`, outcome, 1, 100)).toBe(0);
      await q.view(id);
      expect(await q.storage.prune(q.queue, outcome, 1, 100)).toBe(1);
      expect(await q.storage.get(q.queue, id)).toBeNull();
    }
    expect(await q.settle(completed(running))).toEqual(["settled"]);
    expect(await q.claimIds()).toEqual([pending]);
  },

  "the oldest items are deleted first, up to the limit": async (q) => {
    const [a, b, c] = await q.claimNew({}, {}, {}, {});
    for (const item of [c, a, b]) {
      await q.settle(completed(item));
      await q.pass(3);
    }
    expect(await q.storage.prune(q.queue, "completed", 1, 2)).toBe(2);
    expect((await q.list({ status: "completed" })).items.map(({ id }) => id)).toEqual([b.id]);
    expect(await q.storage.prune(q.queue, "completed", 1, 2)).toBe(1);
    expect(await q.storage.prune(q.queue, "completed", 1, 2)).toBe(0);
  },
};
