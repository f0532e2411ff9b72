import type { ClaimedItem } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { completed, failed, released, retryIn } from "../settlement.ts";

const hourMs = 3_600_000;

export const sweep: Guarantees = {
  "a timed item is ready once it is due and swept": async (q) => {
    const [due] = await q.enqueue({ dueAt: q.now() + 500 }, { dueAt: q.now() + hourMs });
    await q.pass(510);
    expect(await q.sweep()).toMatchObject({ promoted: 1, lost: [] });
    expect(await q.view(due)).toMatchObject({ state: "ready", dueAt: null });
    expect(await q.claimIds()).toEqual([due]);
  },

  "a due item takes its place by trigger order, not by due time": async (q) => {
    const dueAt = q.now();
    const [first, second, third] = await q.enqueue({ dueAt: dueAt + 30 }, { dueAt: dueAt + 20 }, {});
    await q.pass(40);
    await q.sweep();
    expect(await q.claimIds()).toEqual([first, second, third]);
  },

  "a sweep promotes no more than its limit, and tells whether there may be more": async (q) => {
    const items = await q.claimNew({}, {}, {}, {});
    await q.settle(...items.map((item) => retryIn(item, 0)));
    await q.pass(2);
    expect(await q.sweep(2)).toMatchObject({ promoted: 2, more: true });
    expect(await q.sweep(2)).toMatchObject({ promoted: 1, more: false });
  },

  "a lease that has not expired is left alone": async (q) => {
    const [item] = await q.claimNew({}, {});
    expect(await q.sweep()).toEqual({ promoted: 0, lost: [], more: false });
    expect(await q.settle(completed(item))).toEqual(["settled"]);
  },

  "each loss is counted once, and told with its lease's owner": async (q) => {
    const [a, b] = await q.claimNew({ leaseMs: 1, owner: "worker-7" }, {}, { name: "deliver" });
    await q.pass(2);
    const { lost } = await q.sweep();
    expect(lost.toSorted((x, y) => (x.id < y.id ? -1 : 1))).toEqual(
      [a, b].map(({ id }) => ({ id, name: "deliver", owner: "worker-7", lost: 1, end: "ready" })),
    );
    expect((await q.sweep()).lost).toEqual([]);
    expect(await q.view(a.id)).toMatchObject({
      held: false,
      state: "ready",
      attempts: 1,
      failures: 0,
      lost: 1,
    });
    expect(await q.claimIds()).toEqual([a.id, b.id]);
  },

  "an item fails once its losses are used up": async (q) => {
    const [id] = await q.enqueue({});
    const ends = [];
    for (let loss = 1; loss <= 3; loss++) {
      await q.claimOne({ leaseMs: 1 });
      await q.pass(2);
      ends.push(...(await q.sweep(100, 3)).lost.map(({ lost, end }) => [lost, end]));
    }
    expect(ends).toEqual([
      [1, "ready"],
      [2, "ready"],
      [3, "failed"],
    ]);
    const view = await q.view(id);
    expect(view).toMatchObject({
      state: "done",
      outcome: "failed",
      held: false,
      attempts: 3,
      failures: 0,
      lost: 3,
    });
    expect(view.errors.at(-1)).toMatchObject({ name: "LostAttempt", code: "LOST" });
    expect(view.finishedAt).toEqual(expect.any(Number));
    expect(await q.claimIds()).toEqual([]);
  },

  "failures and losses together never exceed the attempts": async (q) => {
    const [item] = await q.claimNew({}, { maxAttempts: 2 });
    await q.settle({ ...retryIn(item, 0), state: "ready", delayMs: null });
    await q.claimOne({ leaseMs: 1 });
    await q.pass(2);
    expect((await q.sweep(100, 3)).lost).toMatchObject([{ id: item.id, lost: 1, end: "failed" }]);
    expect(await q.view(item.id)).toMatchObject({ outcome: "failed", attempts: 2, failures: 1, lost: 1 });
  },

  "a lease whose items are all finished is swept without a loss": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.settle(completed(item));
    await q.pass(2);
    expect((await q.sweep()).lost).toEqual([]);
    expect((await q.storage.extend(q.queue, [item.lease], 60_000)).gone).toEqual([item.lease]);
    expect(await q.view(item.id)).toMatchObject({ outcome: "completed", attempts: 1, lost: 0 });
  },

  "only what is not finished of a lease is lost": async (q) => {
    const [done, dead, running] = await q.claimNew({ leaseMs: 1 }, {}, {}, {});
    await q.settle(completed(done), failed(dead));
    await q.pass(2);
    expect((await q.sweep()).lost.map(({ id }) => id)).toEqual([running.id]);
    expect(await q.view(dead.id)).toMatchObject({ outcome: "failed", attempts: 1, failures: 1, lost: 0 });
  },

  "an item that was asked to stop ends cancelled when it is lost": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, { key: "a" });
    await q.storage.cancel(q.queue, item.id);
    await q.pass(2);
    expect((await q.sweep()).lost).toMatchObject([{ id: item.id, end: "cancelled" }]);
    expect(await q.view(item.id)).toMatchObject({ state: "done", outcome: "cancelled", held: false });
    await q.enqueue({ key: "a" });
  },

  "a loss is not charged to a payload that replaced the lost one": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, { key: "a", body: "1", maxAttempts: 1 });
    await q.enqueueInConflict({ key: "a", body: "2", maxAttempts: 1, onConflict: "replace" });
    await q.pass(2);
    expect((await q.sweep(100, 1)).lost).toMatchObject([{ id: item.id, lost: 0, end: "ready" }]);
    const counters = { attempts: 1, failures: 0, lost: 0 };
    expect(await q.view(item.id)).toMatchObject({ state: "ready", held: false, body: "2", ...counters });
    const again = await q.claimOne({ leaseMs: 1 });
    expect(again).toMatchObject({ id: item.id, body: "2", revision: 1 });
    await q.pass(2);
    expect((await q.sweep(100, 1)).lost).toMatchObject([{ id: item.id, lost: 1, end: "failed" }]);
  },

  "a loss is charged to the payload that was running, whatever left its lease before": async (q) => {
    await q.enqueue({ key: "a" }, { key: "b" }, { key: "c" });
    await q.enqueueInConflict({ key: "b", onConflict: "replace" });
    const { items } = await q.claim({ leaseMs: 1 });
    const [first, replaced, last] = items as [ClaimedItem, ClaimedItem, ClaimedItem];
    expect(replaced).toMatchObject({ revision: 1 });
    await q.settle(released(first));
    await q.pass(2);
    const { lost } = await q.sweep();
    expect(lost.map(({ id, lost: losses }) => [id, losses])).toEqual(
      expect.arrayContaining([
        [replaced.id, 1],
        [last.id, 1],
      ]),
    );
    expect(lost).toHaveLength(2);
  },

  "an item that was replaced and then asked to stop ends cancelled when it is lost": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, { key: "a" });
    await q.enqueueInConflict({ key: "a", onConflict: "replace" });
    expect(await q.storage.cancel(q.queue, item.id)).toBe("requested");
    await q.pass(2);
    expect((await q.sweep()).lost).toMatchObject([{ id: item.id, lost: 0, end: "cancelled" }]);
    expect(await q.view(item.id)).toMatchObject({ outcome: "cancelled", attempts: 1, lost: 0 });
  },

  "a sweep ends no more leases than its limit, and tells whether there may be more": async (q) => {
    for (let lease = 0; lease < 3; lease++) await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    const first = await q.sweep(2);
    expect([first.lost.length, first.more]).toEqual([2, true]);
    const rest = await q.sweep(2);
    expect([rest.lost.length, rest.more]).toEqual([1, false]);
  },

  "a sweep leaves other queues alone": async (q) => {
    const queue = `${q.queue}/other`;
    await q.enqueue({ queue }, { queue });
    const other = await q.claimOne({ queue, limit: 1, leaseMs: 1 });
    await q.pass(2);
    expect(await q.sweep()).toEqual({ promoted: 0, lost: [], more: false });
    expect(await q.storage.settle(queue, [completed(other)])).toEqual([{ id: other.id, result: "settled" }]);
  },
};
