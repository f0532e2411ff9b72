import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { pullQueue } from "../pull-queue.ts";

const hourMs = 3_600_000;

export const pull: Guarantees = {
  "pulling leases what is due, the oldest first": async (q) => {
    const queue = pullQueue(q);
    const at = q.now();
    await queue.put({ key: "new", dueAt: at - 1_000 }, { key: "late", dueAt: at + hourMs });
    await queue.put({ key: "old", dueAt: at - 3_000 }, { key: "mid", dueAt: at - 2_000 });
    expect(await queue.pullKeys(2)).toEqual(["old", "mid"]);
    expect(await queue.pullKeys(2)).toEqual(["new"]);
    expect(await queue.pullKeys(2)).toEqual([]);
  },

  "a pulled item is leased, at a new revision, with its attempt counted": async (q) => {
    const queue = pullQueue(q, { owner: "me" });
    const [before] = await queue.put({ key: "a" });
    const taken = await queue.pullOne(60_000);
    expect(taken).toMatchObject({ phase: "leased", revision: 1, attempts: 1, lost: 0, owner: "me" });
    expect(taken.startedAt).toBeGreaterThanOrEqual(before?.createdAt ?? Infinity);
    expect(taken.leaseExpiresAt).toBe((taken.startedAt ?? 0) + 60_000);
    expect(taken.lease).not.toBeNull();
    expect(await queue.find("a")).toEqual(taken);
  },

  "an expired lease is taken over, and counts as lost": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", memo: '"m"' });
    const first = await queue.pullOne(1);
    await q.pass(2);
    const second = await queue.pullOne(1);
    expect(second).toMatchObject({ phase: "leased", revision: 2, attempts: 2, lost: 1, memo: '"m"' });
    expect(second.lease).not.toBe(first.lease);
    await q.pass(2);
    expect(await queue.pullOne()).toMatchObject({ revision: 3, attempts: 3, lost: 2 });
  },

  "an item that was due before goes first, also when it is taken over": async (q) => {
    const queue = pullQueue(q);
    const at = q.now();
    await queue.put({ key: "first", dueAt: at - 9_000 });
    await queue.pullOne(1);
    await queue.put({ key: "second", dueAt: at - 8_000 });
    await queue.put({ key: "zeroth", dueAt: at - 10_000 });
    await q.pass(2);
    expect(await queue.pullKeys(1)).toEqual(["zeroth"]);
    expect(await queue.pullKeys(1)).toEqual(["first"]);
    expect(await queue.pullKeys(1)).toEqual(["second"]);
  },
};
