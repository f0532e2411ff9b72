import { type PulledItem, pullMoves } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { pullQueue } from "../pull-queue.ts";
import { attemptError } from "../settlement.ts";

const hourMs = 3_600_000;
const never = { kind: "never" } as const;

export const pullFences: Guarantees = {
  "a move at another revision changes nothing, and is told the item as it is": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", memo: '"m"' });
    const taken = await queue.pullOne();
    const stale = { key: "a", revision: taken.revision - 1 };
    for (const move of [
      pullMoves.checkpoint(stale, { memo: '"x"' }, hourMs),
      pullMoves.complete(stale, { memo: '"x"' }, never),
      pullMoves.fail(stale, { memo: '"x"' }, attemptError(1), never),
      pullMoves.release(stale),
    ]) {
      expect(await queue.move(move)).toEqual([{ result: "conflict", item: taken }]);
    }
    expect(await queue.find("a")).toEqual(taken);
  },

  "an item that nobody holds cannot be moved": async (q) => {
    const queue = pullQueue(q);
    const [item] = (await queue.put({ key: "a" })) as [PulledItem];
    expect(await queue.move(pullMoves.complete(item, {}, never))).toEqual([{ result: "idle", item }]);
    expect(await queue.move(pullMoves.checkpoint(item, {}, null))).toEqual([{ result: "idle", item }]);
  },

  "an item that is not there is missing": async (q) => {
    const fence = { key: "a", revision: 0 };
    expect(await pullQueue(q).move(pullMoves.release(fence))).toEqual([{ result: "missing", item: null }]);
  },

  "after its lease has expired a holder completes and fails, but neither checkpoints nor releases": async (
    q,
  ) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" }, { key: "b" });
    const [one, other] = (await queue.pull(2, 1)) as [PulledItem, PulledItem];
    await q.pass(2);
    expect(await queue.move(pullMoves.checkpoint(one, {}, hourMs), pullMoves.release(other))).toEqual([
      { result: "expired", item: one },
      { result: "expired", item: other },
    ]);
    const answers = await queue.move(
      pullMoves.complete(one, {}, never),
      pullMoves.fail(other, {}, attemptError(1), never),
    );
    expect(answers).toMatchObject([
      { result: "moved", item: { phase: "succeeded", lost: 0 } },
      { result: "moved", item: { phase: "failed", failures: 1, lost: 0 } },
    ]);
  },

  "a takeover fences every move of the holder before": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    const before = await queue.pullOne(1);
    await q.pass(2);
    const taken = await queue.pullOne();
    for (const move of [
      pullMoves.checkpoint(before, {}, hourMs),
      pullMoves.complete(before, {}, never),
      pullMoves.fail(before, {}, attemptError(1), never),
      pullMoves.release(before),
    ]) {
      expect(await queue.move(move)).toEqual([{ result: "conflict", item: taken }]);
    }
  },

  "a heartbeat renews leases, and tells which were taken over": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" }, { key: "b" });
    const [one] = (await queue.pull(1, 60_000)) as [PulledItem];
    const [two] = (await queue.pull(1, 1)) as [PulledItem];
    await q.pass(2);
    await queue.pullOne();
    const leases = [one.lease ?? "", two.lease ?? ""];
    expect((await q.storage.extend(q.queue, leases, hourMs)).gone).toEqual([two.lease]);
    const renewed = await queue.find(one.key);
    expect(renewed.leaseExpiresAt).toBeGreaterThan(q.now() + hourMs / 2);
    expect(renewed.revision).toBe(one.revision);
  },

  "one move's refusal harms no other of its batch": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" }, { key: "b" }, { key: "c" });
    const [a, b, c] = (await queue.pull()) as [PulledItem, PulledItem, PulledItem];
    const answers = await queue.move(
      pullMoves.complete(c, {}, never),
      pullMoves.complete({ key: b.key, revision: 0 }, {}, never),
      pullMoves.release({ key: "d", revision: 1 }),
      pullMoves.fail(a, {}, attemptError(1), never),
    );
    expect(answers.map(({ result, item }) => [item?.key, result])).toEqual([
      [c.key, "moved"],
      [b.key, "conflict"],
      [undefined, "missing"],
      [a.key, "moved"],
    ]);
  },

  "moves commit and roll back with their transaction": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", memo: '"m"' });
    const taken = await queue.pullOne();
    const complete = pullMoves.complete(taken, { memo: '"n"' }, never);
    const transaction = q.adapter.transaction(async (tx) => {
      expect(await pullQueue(q, { tx }).moved(complete)).toMatchObject({ memo: '"n"' });
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    expect(await queue.find("a")).toEqual(taken);
    await q.adapter.transaction((tx) => pullQueue(q, { tx }).moved(complete));
    expect(await queue.find("a")).toMatchObject({ phase: "succeeded", memo: '"n"' });
  },
};
