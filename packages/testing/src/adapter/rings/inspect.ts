import type { ItemFilter } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { completed, failed, released, retryIn } from "../settlement.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;

export const inspect: Guarantees = {
  "an item is listed under its status alone": async (q) => {
    const [running, retried, done, dead] = await q.claimNew({}, {}, {}, {}, {});
    const [ready, timed, gone] = await q.enqueue({}, { dueAt: q.now() + hourMs }, {});
    await q.settle(retryIn(retried, hourMs), completed(done), failed(dead));
    await q.storage.cancel(q.queue, gone);
    expect(await listIds(q, { status: "pending" })).toEqual([timed, ready, retried.id]);
    expect(await listIds(q, { status: "processing" })).toEqual([running.id]);
    expect(await listIds(q, { status: "completed" })).toEqual([done.id]);
    expect(await listIds(q, { status: "failed" })).toEqual([dead.id]);
    expect(await listIds(q, { status: "cancelled" })).toEqual([gone]);
  },

  "a listed item reads as it does on its own": async (q) => {
    const [running, done, dead] = await q.claimNew({}, { key: "a" }, { concurrencyKey: "k" }, { trace: "1" });
    const [ready] = await q.enqueue({ priority: 3 });
    await q.settle(completed(done), failed(dead));
    await q.storage.cancel(q.queue, running.id);
    const statuses = { processing: running.id, completed: done.id, failed: dead.id, pending: ready } as const;
    for (const [status, id] of Object.entries(statuses)) {
      const { items } = await q.list({ status: status as keyof typeof statuses });
      expect(items).toEqual([await q.view(id)]);
    }
    expect(await q.view(running.id)).toMatchObject({ held: true, cancelRequested: true });
  },

  "a held item names its lease and its holder, and nobody holds one that waits or has ended": async (q) => {
    const [running, back, done, dead] = await q.claimNew({ owner: "me" }, {}, {}, {}, {});
    const [pending, gone] = await q.enqueue({}, {});
    await q.settle(released(back), completed(done), failed(dead));
    await q.storage.cancel(q.queue, gone);
    expect(await q.view(running.id)).toMatchObject({ held: true, owner: "me", lease: running.lease });
    for (const id of [back.id, pending, done.id, dead.id, gone]) {
      expect(await q.view(id)).toMatchObject({ held: false, owner: null, lease: null });
    }
  },

  "an item tells its revision, also while it is held, until it has completed": async (q) => {
    const [pending] = await q.enqueue({ key: "pending" });
    expect(await q.view(pending)).toMatchObject({ revision: 0 });
    await q.enqueueInConflict({ key: "pending", onConflict: "replace" });
    expect(await q.view(pending)).toMatchObject({ revision: 1 });
    const held = await q.claimOne();
    expect(await q.view(pending)).toMatchObject({ revision: held.revision, lease: held.lease });
    await q.enqueueInConflict({ key: "pending", onConflict: "replace" });
    const replaced = { revision: held.revision + 1, claimedRevision: held.revision, lease: held.lease };
    expect(await q.view(pending)).toMatchObject(replaced);
    expect((await q.list({ status: "processing" })).items).toMatchObject([replaced]);
    await q.settle(released(held));
    const again = await q.claimOne();
    await q.settle(failed(again));
    expect(await q.view(pending)).toMatchObject({
      revision: held.revision + 1,
      claimedRevision: null,
      lease: null,
    });
    const [done] = await q.claimNew({}, {});
    await q.settle(completed(done));
    expect(await q.view(done.id)).toMatchObject({ revision: 0, lease: null });
  },

  "items are listed newest first, in pages that lose and repeat none": async (q) => {
    const ids = await q.enqueue(...Array.from({ length: 7 }, () => ({})));
    expect(await listIds(q, { limit: 3 })).toEqual(ids.toReversed());
    expect(await listIds(q, { limit: 7 })).toEqual(ids.toReversed());
  },

  "items that come while one pages do not disturb the pages": async (q) => {
    const ids = await q.enqueue({}, {}, {}, {});
    const first = await q.list({ limit: 2 });
    await q.enqueue({}, {});
    const second = await q.list({ limit: 10, cursor: first.cursor });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.toReversed());
  },

  "items that finished at once are listed in pages that lose and repeat none": async (q) => {
    const done = await q.claimNew({}, {}, {}, {}, {}, {});
    const dead = await q.claimNew({}, {}, {}, {}, {}, {});
    await q.settle(...done.map(completed), ...dead.map((item) => failed(item)));
    for (const [status, items] of [["completed", done] as const, ["failed", dead] as const]) {
      const listed = await listIds(q, { status, limit: 2 });
      expect(listed.toSorted()).toEqual(items.map(({ id }) => id).toSorted());
    }
  },

  "finished items are listed last finished first": async (q) => {
    const [a, b, c] = await q.claimNew({}, {}, {}, {});
    for (const item of [b, c, a]) {
      await q.settle(completed(item));
      await q.pass(2);
    }
    expect(await listIds(q, { status: "completed", limit: 1 })).toEqual([a.id, c.id, b.id]);
  },

  "items are listed by name": async (q) => {
    const [a, , c] = await q.enqueue({ name: "a" }, { name: "b" }, { name: "a" });
    expect(await listIds(q, { name: "a", limit: 1 })).toEqual([c, a]);
    await q.settle(...(await q.claim({ names: ["a", "b"] })).items.map(completed));
    expect((await listIds(q, { name: "a", status: "completed" })).toSorted()).toEqual([a, c].toSorted());
  },

  "an item is found in its own queue alone": async (q) => {
    const [pending] = await q.enqueue({});
    const [done] = await q.claimNew({}, {});
    await q.settle(completed(done));
    expect(await q.storage.get(`${q.queue}/other`, pending)).toBeNull();
    expect(await q.storage.get(`${q.queue}/other`, done.id)).toBeNull();
    expect(await q.storage.get(q.queue, crypto.randomUUID())).toBeNull();
    expect(await listIds(q, { status: "completed" })).toEqual([done.id]);
    expect(await q.storage.list(`${q.queue}/other`, { status: "completed", limit: 1, cursor: null })).toEqual(
      {
        items: [],
        cursor: null,
      },
    );
  },

  "each item is counted under its status": async (q) => {
    expect(await q.storage.count(q.queue)).toEqual({
      pending: 0,
      processing: 0,
      completed: 0,
      failed: 0,
      cancelled: 0,
      oldestDueMs: null,
    });
    const [, retried, done, dead] = await q.claimNew({}, {}, {}, {}, {});
    const [gone] = await q.enqueue({}, { dueAt: q.now() + hourMs }, {});
    await q.settle(retryIn(retried, hourMs), completed(done), failed(dead));
    await q.storage.cancel(q.queue, gone);
    const counts = { pending: 3, processing: 1, completed: 1, failed: 1, cancelled: 1 };
    expect(await q.storage.count(q.queue)).toMatchObject(counts);
  },

  "the wait of the oldest due item is told, and nobody waits who is held or not due": async (q) => {
    await q.claimNew({}, {});
    await q.enqueue({ dueAt: q.now() + hourMs });
    expect((await q.storage.count(q.queue)).oldestDueMs).toBeNull();
    await q.enqueue({});
    await q.pass(5);
    const { oldestDueMs } = await q.storage.count(q.queue);
    expect(oldestDueMs).toBeGreaterThanOrEqual(4);
    expect(oldestDueMs).toBeLessThan(minuteMs);
  },

  "a timed item waits since it was due, also before it is swept": async (q) => {
    await q.enqueue({ dueAt: q.now() + 10 });
    await q.pass(20);
    const { oldestDueMs } = await q.storage.count(q.queue);
    expect(oldestDueMs).toBeGreaterThanOrEqual(0);
    expect(oldestDueMs).toBeLessThan(minuteMs);
  },
};

/** The ids of all pages, in their order. */
async function listIds(q: QueueUnderTest, filter: Partial<ItemFilter>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await q.list({ ...filter, cursor });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== null && ids.length < 1000);
  return ids;
}
