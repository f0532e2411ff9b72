import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, failed, parked } from "../settlement.ts";

const hourMs = 3_600_000;

export const cancel: Guarantees = {
  "an item that nobody holds is cancelled at once": async (q) => {
    const [waiting] = await q.claimNew({}, { key: "parked" });
    await q.settle(parked(waiting));
    const [ready, timed] = await q.enqueue({ body: "1" }, { dueAt: q.now() + hourMs });
    for (const id of [ready, timed, waiting.id]) {
      expect(await q.storage.cancel(q.queue, id)).toBe("cancelled");
      const cancelled = { state: "done", outcome: "cancelled", held: false, dueAt: null, attempts: 0 };
      expect(await q.view(id)).toMatchObject({ ...cancelled, finishedAt: expect.any(Number) });
    }
    expect(await q.view(ready)).toMatchObject({ body: "1" });
    expect(await q.claimIds()).toEqual([]);
    expect(await q.storage.wake(q.queue, ["parked"])).toBe(0);
  },

  "a held item is asked to stop, and stays its holder's until that answers": async (q) => {
    const [item] = await q.claimNew({}, {});
    expect(await q.storage.cancel(q.queue, item.id)).toBe("requested");
    expect(await q.storage.cancel(q.queue, item.id)).toBe("requested");
    expect(await q.view(item.id)).toMatchObject({ held: true, cancelRequested: true, outcome: null });
    expect(await q.settle(completed(item))).toEqual(["cancelled"]);
    expect(await q.view(item.id)).toMatchObject({ held: false, outcome: "cancelled" });
  },

  "a finished item cannot be cancelled": async (q) => {
    const [done, dead] = await q.claimNew({}, {}, {});
    const [gone] = await q.enqueue({});
    await q.settle(completed(done), failed(dead));
    await q.storage.cancel(q.queue, gone);
    for (const id of [done.id, dead.id, gone]) expect(await q.storage.cancel(q.queue, id)).toBe("finished");
    expect(await q.view(done.id)).toMatchObject({ outcome: "completed" });
    expect(await q.view(dead.id)).toMatchObject({ outcome: "failed" });
  },

  "an item that is not in the queue cannot be cancelled": async (q) => {
    const [id] = await q.enqueue({});
    expect(await q.storage.cancel(q.queue, crypto.randomUUID())).toBe("not_found");
    expect(await q.storage.cancel(`${q.queue}/other`, id)).toBe("not_found");
    expect(await q.claimIds()).toEqual([id]);
  },

  "cancelling the items before it gives the next of a concurrency key its turn": async (q) => {
    const [a, b] = await q.enqueue({ concurrencyKey: "k" }, { concurrencyKey: "k" });
    await q.storage.cancel(q.queue, a);
    expect(await q.claimIds()).toEqual([b]);
  },
};
