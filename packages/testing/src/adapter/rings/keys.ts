import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, failed, retryIn } from "../settlement.ts";

const hourMs = 3_600_000;

export const keys: Guarantees = {
  "an item whose key is taken is ignored where it says so": async (q) => {
    const [existingId] = await q.enqueue({ key: "a", body: "1" });
    const late = q.newItem({ key: "a", body: "2", onConflict: "ignore" });
    expect(await q.enqueueInConflict(late, { key: "b", onConflict: "ignore" })).toEqual([
      { id: late.id, existingId, resolution: "ignored" },
    ]);
    expect(await q.view(existingId)).toMatchObject({ body: "1" });
    expect(await q.storage.get(q.queue, late.id)).toBeNull();
    expect(await q.storage.count(q.queue)).toMatchObject({ pending: 2 });
  },

  "a pending item is replaced in place, and keeps its id, its time of creation and its turn": async (q) => {
    const [existingId, next] = await q.enqueue({ key: "a" }, {});
    const { createdAt } = await q.view(existingId);
    const newer = { name: "send", body: "2", trace: '"t"', retry: "none()", maxAttempts: 3, timeoutMs: 9 };
    const late = q.newItem({ ...newer, key: "a", onConflict: "replace" });
    expect(await q.enqueueInConflict(late)).toEqual([{ id: late.id, existingId, resolution: "replaced" }]);
    const { items } = await q.claim({ names: ["deliver", "send"] });
    expect(items[0]).toMatchObject({ ...newer, id: existingId, revision: 1, createdAt });
    expect(items.map(({ id }) => id)).toEqual([existingId, next]);
  },

  "replacing an item gives it the new priority and due time": async (q) => {
    const [timed, ready, plain] = await q.enqueue({ key: "a", dueAt: q.now() + hourMs }, { key: "b" }, {});
    const dueAt = q.now() + 2 * hourMs;
    await q.enqueueInConflict(
      { key: "a", priority: -1, onConflict: "replace" },
      { key: "b", dueAt, onConflict: "replace" },
    );
    expect(await q.view(ready)).toMatchObject({ state: "timed", dueAt });
    expect(await q.claimIds()).toEqual([plain, timed]);
  },

  "replacing an item that failed before gives it fresh attempts": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await q.settle(retryIn(item, hourMs));
    await q.enqueueInConflict({ key: "a", onConflict: "replace" });
    expect(await q.claimOne()).toMatchObject({ id: item.id, failures: 0, lost: 0 });
    expect(await q.view(item.id)).toMatchObject({ attempts: 1, failures: 0 });
  },

  "an item whose key is taken fails its whole batch where it says so": async (q) => {
    const [existingId] = await q.enqueue({ key: "a" });
    const batchMate = q.newItem();
    await expect(q.enqueueInConflict(batchMate, { key: "a", onConflict: "error" })).rejects.toMatchObject({
      code: "KEY_CONFLICT",
      details: { queue: q.queue, key: "a", existingId },
    });
    expect(await q.storage.get(q.queue, batchMate.id)).toBeNull();
  },

  "items of one batch with one key meet each other as if enqueued one by one": async (q) => {
    const first = q.newItem({ key: "a", body: "1" });
    const second = q.newItem({ key: "a", body: "2", onConflict: "replace" });
    const third = q.newItem({ key: "a", body: "3", onConflict: "ignore" });
    const other = q.newItem({ key: "b", body: "4", onConflict: "ignore" });
    const fourth = q.newItem({ key: "a", body: "5", onConflict: "replace" });
    expect(await q.enqueueInConflict(first, second, third, other, fourth)).toEqual([
      { id: second.id, existingId: first.id, resolution: "replaced" },
      { id: third.id, existingId: first.id, resolution: "ignored" },
      { id: fourth.id, existingId: first.id, resolution: "replaced" },
    ]);
    expect(await q.claimIds()).toEqual([first.id, other.id]);
    expect(await q.view(first.id)).toMatchObject({ body: "5" });
  },

  "a batch that contradicts itself fails whole": async (q) => {
    const first = q.newItem({ key: "a" });
    await expect(q.enqueueInConflict(first, { key: "a", onConflict: "error" })).rejects.toMatchObject({
      code: "KEY_CONFLICT",
      details: { queue: q.queue, key: "a" },
    });
    expect(await q.storage.get(q.queue, first.id)).toBeNull();
  },

  "a key is taken in its queue alone, and items without one never conflict": async (q) => {
    await q.enqueue({ key: "a" }, { key: "a", queue: `${q.queue}/other` }, { key: "b" }, {}, {});
  },

  "a finished item frees its key, however it ended": async (q) => {
    const [done, dead] = await q.claimNew({}, { key: "done" }, { key: "dead" });
    const [gone] = await q.enqueue({ key: "gone" });
    await q.settle(completed(done), failed(dead));
    await q.storage.cancel(q.queue, gone);
    const ids = await q.enqueue({ key: "done" }, { key: "dead" }, { key: "gone" });
    expect(await q.claimIds()).toEqual(ids);
  },

  "a held item keeps its key": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    await expect(q.enqueue({ key: "a" })).rejects.toMatchObject({ code: "KEY_CONFLICT" });
    const late = q.newItem({ key: "a", onConflict: "ignore" });
    expect(await q.enqueueInConflict(late)).toEqual([
      { id: late.id, existingId: item.id, resolution: "ignored" },
    ]);
  },

  "an item that is replaced while it is held runs again with the new payload": async (q) => {
    const [item] = await q.claimNew({}, { key: "a", body: "1" });
    await q.enqueueInConflict({ key: "a", body: "2", onConflict: "replace" });
    expect(await q.claimIds()).toEqual([]);
    expect(await q.view(item.id)).toMatchObject({ held: true, body: "2" });
    expect(await q.settle(completed(item))).toEqual(["replaced"]);
    const again = await q.claimOne();
    expect(again).toMatchObject({ id: item.id, body: "2", revision: 1, failures: 0, lost: 0 });
    expect(await q.settle(completed(item), completed(again))).toEqual(["lost", "settled"]);
  },

  "an item that is replaced with a later one while it is held waits for that time": async (q) => {
    const [settled, lost] = await q.claimNew({ leaseMs: 1 }, { key: "a" }, { key: "b" });
    const later = { dueAt: q.now() + hourMs, onConflict: "replace" } as const;
    await q.enqueueInConflict({ key: "a", ...later }, { key: "b", ...later });
    expect(await q.settle(failed(settled))).toEqual(["replaced"]);
    await q.pass(2);
    expect((await q.sweep()).lost).toMatchObject([{ id: lost.id }]);
    expect(await q.claimIds()).toEqual([]);
    const waiting = { state: "timed", dueAt: later.dueAt, held: false, outcome: null };
    expect(await q.view(settled.id)).toMatchObject({ ...waiting, failures: 0, lost: 0 });
    expect(await q.view(lost.id)).toMatchObject(waiting);
  },
};
