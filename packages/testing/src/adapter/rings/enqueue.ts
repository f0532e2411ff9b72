import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { newItem } from "../new-item.ts";

const hourMs = 3_600_000;

export const enqueue: Guarantees = {
  "an item exists if and only if its transaction committed": async (q) => {
    const [committed] = await q.enqueue({});
    const rolledBack = q.newItem();
    const transaction = q.adapter.transaction(async (tx) => {
      await q.storage.enqueue(tx, [rolledBack]);
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    expect(await q.storage.get(q.queue, rolledBack.id)).toBeNull();
    expect(await q.claimIds()).toEqual([committed]);
  },

  "an item that is due now or was due before is ready at once": async (q) => {
    const ids = await q.enqueue({}, { dueAt: q.now() - hourMs }, { dueAt: 0 });
    expect(await q.view(ids[1])).toMatchObject({ state: "ready", dueAt: null, held: false });
    expect(await q.claimIds()).toEqual(ids);
  },

  "an item that is due later waits until then": async (q) => {
    const dueAt = q.now() + hourMs;
    const [id] = await q.enqueue({ dueAt });
    expect(await q.view(id)).toMatchObject({ state: "timed", dueAt });
    expect(await q.sweep()).toEqual({ promoted: 0, lost: [], more: false });
    expect(await q.claimIds()).toEqual([]);
  },

  "what was enqueued is what is claimed": async (q) => {
    const before = q.now();
    const item = {
      name: "deliver",
      retry: "linear(5,10)",
      maxAttempts: 7,
      concurrencyKey: "customer-1",
      timeoutMs: 1234,
      body: '{"to":"me"}',
      trace: '{"traceparent":"00-1-2-01"}',
    };
    const [full] = await q.enqueue({ ...item });
    const claimed = await q.claimOne();
    expect(claimed).toEqual({
      ...item,
      id: full,
      lease: expect.any(String),
      revision: 0,
      failures: 0,
      lost: 0,
      createdAt: expect.any(Number),
    });
    expect(Math.abs(claimed.createdAt - before)).toBeLessThan(60_000);
    await q.enqueue({});
    expect(await q.claimOne()).toMatchObject({ concurrencyKey: null, timeoutMs: null, trace: null });
  },

  "what was enqueued is what operators see": async (q) => {
    const dueAt = q.now() + hourMs;
    const item = {
      key: "order-1",
      priority: -3,
      concurrencyKey: "customer-1",
      maxAttempts: 7,
      body: "[1]",
      trace: "{}",
    };
    const [id] = await q.enqueue({ ...item, dueAt });
    expect(await q.view(id)).toEqual({
      ...item,
      id,
      queue: q.queue,
      name: "deliver",
      state: "timed",
      outcome: null,
      revision: 0,
      held: false,
      owner: null,
      lease: null,
      claimedRevision: null,
      cancelRequested: false,
      dueAt,
      attempts: 0,
      failures: 0,
      lost: 0,
      errors: [],
      createdAt: expect.any(Number),
      finishedAt: null,
    });
  },

  "an empty batch enqueues nothing": async (q) => {
    expect(await q.enqueueInConflict()).toEqual([]);
    expect(await q.claimIds()).toEqual([]);
  },

  "a batch of thousands is enqueued whole and in order": async (q) => {
    const ids = await q.enqueue(...Array.from({ length: 3000 }, () => ({})));
    expect(await q.claimIds({ limit: 5000 })).toEqual(ids);
  },

  "one batch may fill several queues": async (q) => {
    const elsewhere = newItem(`${q.queue}/elsewhere`);
    const [id] = await q.enqueue({}, elsewhere);
    expect(await q.claimIds()).toEqual([id]);
    expect(await q.claimIds({ queue: elsewhere.queue })).toEqual([elsewhere.id]);
  },

  "batches of one transaction keep their order": async (q) => {
    const items = [q.newItem(), q.newItem(), q.newItem()] as const;
    await q.adapter.transaction(async (tx) => {
      await q.storage.enqueue(tx, [items[0]]);
      await q.storage.enqueue(tx, [items[1], items[2]]);
    });
    expect(await q.claimIds()).toEqual(items.map(({ id }) => id));
  },
};
