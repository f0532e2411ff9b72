import { type PulledItem, pullMoves } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { pullDraft, pullQueue } from "../pull-queue.ts";

const hourMs = 3_600_000;
const never = { kind: "never" } as const;

export const pullInspect: Guarantees = {
  "drafts, claims and removals commit and roll back with their transaction": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    const transaction = q.adapter.transaction(async (tx) => {
      const inside = pullQueue(q, { tx });
      await inside.put({ key: "b" });
      expect((await inside.pullKeys()).toSorted()).toEqual(["a", "b"]);
      expect(await q.adapter.pull.remove(q.queue, ["a"], tx)).toEqual(["a"]);
      const page = await q.adapter.pull.page({ queue: q.queue, phase: null, after: null, limit: 9 }, tx);
      expect(page.map(({ key }) => key)).toEqual(["b"]);
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    expect(await queue.pullKeys()).toEqual(["a"]);
  },

  "pages go by key, and by phase": async (q) => {
    const queue = pullQueue(q);
    await queue.put(...["d", "b", "a", "c"].map((key) => ({ key })));
    const held = await queue.pullKeys(2);
    const page = (phase: PulledItem["phase"] | null, after: string | null, limit = 2) =>
      q.adapter.pull.page({ queue: q.queue, phase, after, limit });
    const keys = (items: readonly PulledItem[]) => items.map(({ key }) => key);
    expect(keys(await page(null, null))).toEqual(["a", "b"]);
    expect(keys(await page(null, "b"))).toEqual(["c", "d"]);
    expect(await page(null, "d")).toEqual([]);
    expect(keys(await page("leased", null))).toEqual(held.toSorted());
    expect(keys(await page("idle", null, 9))).toHaveLength(2);
    expect(
      await q.adapter.pull.page({ queue: `${q.queue}/other`, phase: null, after: null, limit: 9 }),
    ).toEqual([]);
  },

  "a removed item is gone, its lease and its holder's fence with it": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" }, { key: "b" });
    const taken = await queue.pull();
    expect(await q.adapter.pull.remove(q.queue, ["a", "unknown"])).toEqual(["a"]);
    const mine = taken.find(({ key }) => key === "a") as PulledItem;
    expect(await queue.move(pullMoves.complete(mine, {}, never))).toEqual([
      { result: "missing", item: null },
    ]);
    expect((await q.storage.extend(q.queue, [mine.lease ?? ""], hourMs)).gone).toEqual([mine.lease]);
    const [anew] = await queue.put({ key: "a" });
    expect(anew).toMatchObject({ revision: 0, attempts: 0 });
    expect(anew?.id).not.toBe(mine.id);
  },

  "queues have pulled items to themselves": async (q) => {
    const queue = pullQueue(q);
    const other = pullQueue({ adapter: q.adapter, queue: `${q.queue}/other` });
    await queue.put({ key: "a" });
    expect(await other.pullKeys()).toEqual([]);
    await other.put({ key: "a", memo: '"other"' });
    const taken = await queue.pullOne();
    expect(await other.move(pullMoves.complete(taken, {}, never))).toMatchObject([{ result: "conflict" }]);
    expect(await other.find("a")).toMatchObject({ phase: "idle" });
  },

  "the next wake is when a pulled item is due, or its lease expires": async (q) => {
    const queue = pullQueue(q);
    const wake = () => q.storage.nextWakeInMs(q.queue, []);
    expect(await wake()).toBeNull();
    await queue.put({ key: "a", dueAt: null });
    expect(await wake()).toBeNull();
    await queue.put({ key: "a", dueAt: q.now() + hourMs });
    const inMs = await wake();
    expect(inMs).toBeGreaterThan(hourMs / 2);
    expect(inMs).toBeLessThanOrEqual(hourMs);
    await queue.put({ key: "a", dueAt: q.now() - 1 });
    expect(await wake()).toBe(0);
    const taken = await queue.pullOne(hourMs);
    expect(await wake()).toBeGreaterThan(hourMs / 2);
    await queue.moved(pullMoves.complete(taken, {}, never));
    expect(await wake()).toBeNull();
    await queue.put({ key: "a", dueAt: q.now() - 1 });
    await queue.pullOne(1);
    await q.pass(2);
    expect(await wake()).toBe(0);
  },

  "nothing to do asks nothing of the database": async (q) => {
    expect(await q.adapter.pull.put(q.queue, [], true)).toEqual([]);
    expect(await q.adapter.pull.move(q.queue, [])).toEqual([]);
    expect(await q.adapter.pull.find(q.queue, [])).toEqual([]);
    expect(await q.adapter.pull.remove(q.queue, [])).toEqual([]);
  },

  "a thousand items are put, pulled and completed in a batch": async (q) => {
    const queue = pullQueue(q);
    const drafts = Array.from({ length: 1_000 }, (_, index) => pullDraft({ key: `key ${index}` }));
    await queue.put(...drafts);
    const taken = await queue.pull(1_000);
    expect(new Set(taken.map(({ key }) => key)).size).toBe(1_000);
    const answers = await queue.move(...taken.map((item) => pullMoves.complete(item, {}, never)));
    expect(answers.every(({ result }) => result === "moved")).toBe(true);
    expect((await q.storage.count(q.queue)).pending).toBe(1_000);
  },
};
