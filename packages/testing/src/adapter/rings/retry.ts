import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, failed } from "../settlement.ts";

export const retry: Guarantees = {
  "a failed item that is retried has fresh attempts and its old turn": async (q) => {
    const [item] = await q.claimNew({}, { maxAttempts: 1 });
    await q.enqueue({});
    await q.settle(failed(item));
    expect(await q.storage.retry(q.queue, item.id)).toBe("retried");
    const fresh = { state: "ready", outcome: null, finishedAt: null, attempts: 1, failures: 0, lost: 0 };
    expect(await q.view(item.id)).toMatchObject({
      ...fresh,
      held: false,
      cancelRequested: false,
      dueAt: null,
    });
    expect((await q.claim({ limit: 1 })).items).toMatchObject([
      { id: item.id, failures: 0, lost: 0, revision: 0 },
    ]);
  },

  "an item that failed by its losses can be retried": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    expect((await q.sweep(100, 1)).lost).toMatchObject([{ end: "failed" }]);
    expect(await q.storage.retry(q.queue, item.id)).toBe("retried");
    expect(await q.claimOne({ leaseMs: 1 })).toMatchObject({ id: item.id, lost: 0 });
    await q.pass(2);
    expect((await q.sweep(100, 2)).lost).toMatchObject([{ lost: 1, end: "ready" }]);
  },

  "a retried item is no longer its old lease's": async (q) => {
    const [item, running] = await q.claimNew({ leaseMs: 1 }, {}, {});
    await q.settle(failed(item));
    await q.storage.retry(q.queue, item.id);
    const again = await q.claimOne();
    expect(again.id).toBe(item.id);
    expect(await q.settle(completed(item))).toEqual(["lost"]);
    await q.pass(2);
    expect((await q.sweep()).lost.map(({ id }) => id)).toEqual([running.id]);
    expect(await q.settle(completed(again))).toEqual(["settled"]);
  },

  "an item that did not fail cannot be retried": async (q) => {
    const [held, done] = await q.claimNew({}, {}, {});
    const [pending, cancelled] = await q.enqueue({}, {});
    await q.settle(completed(done));
    await q.storage.cancel(q.queue, cancelled);
    for (const id of [held.id, done.id, pending, cancelled]) {
      expect(await q.storage.retry(q.queue, id)).toBe("not_failed");
    }
    expect(await q.view(done.id)).toMatchObject({ outcome: "completed" });
  },

  "an item that is not in the queue cannot be retried": async (q) => {
    const [item] = await q.claimNew({}, {});
    await q.settle(failed(item));
    expect(await q.storage.retry(q.queue, crypto.randomUUID())).toBe("not_found");
    expect(await q.storage.retry(`${q.queue}/other`, item.id)).toBe("not_found");
    expect(await q.view(item.id)).toMatchObject({ outcome: "failed" });
  },

  "an item whose key a newer one has cannot be retried until that one is finished": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await q.settle(failed(item));
    const [existingId] = await q.enqueue({ key: "a" });
    await expect(q.storage.retry(q.queue, item.id)).rejects.toMatchObject({
      code: "KEY_CONFLICT",
      details: { queue: q.queue, key: "a", existingId },
    });
    expect(await q.view(item.id)).toMatchObject({ outcome: "failed", attempts: 1 });
    await q.storage.cancel(q.queue, existingId);
    expect(await q.storage.retry(q.queue, item.id)).toBe("retried");
  },
};
