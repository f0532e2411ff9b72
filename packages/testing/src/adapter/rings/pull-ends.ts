import { type PulledItem, pullMoves } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { pullQueue } from "../pull-queue.ts";
import { attemptError } from "../settlement.ts";

const hourMs = 3_600_000;
const never = { kind: "never" } as const;

export const pullEnds: Guarantees = {
  "a checkpoint is kept, resets the losses, and moves the revision on": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", body: '"b"', memo: '"m"' });
    await queue.pullOne(1);
    await q.pass(2);
    const taken = await queue.pullOne(60_000);
    const running = await queue.moved(pullMoves.checkpoint(taken, { memo: '"n"' }, null));
    expect(running).toMatchObject({
      phase: "running",
      revision: 3,
      attempts: 2,
      lost: 0,
      memo: '"n"',
      body: '"b"',
    });
    expect(running).toMatchObject({ lease: taken.lease, leaseExpiresAt: taken.leaseExpiresAt });
    expect(await queue.pullKeys()).toEqual([]);
  },

  "a checkpoint prolongs the lease when it is asked to": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    const taken = await queue.pullOne(1_000);
    const running = await queue.moved(pullMoves.checkpoint(taken, {}, hourMs));
    expect(running.leaseExpiresAt).toBeGreaterThan(q.now() + hourMs / 2);
  },

  "a completed item is let go of, and due when it was said": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", memo: '"m"' });
    const first = await queue.pullOne();
    const due = { kind: "in", ms: 0 } as const;
    await queue.moved(pullMoves.fail(first, {}, attemptError(1), due));
    const second = await queue.pullOne();
    const at = q.now() + hourMs;
    const done = await queue.moved(pullMoves.complete(second, { memo: '"n"' }, { kind: "at", at }));
    expect(done).toMatchObject({
      phase: "succeeded",
      attempts: 0,
      failures: 0,
      lost: 0,
      error: null,
      memo: '"n"',
      dueAt: at,
      owner: null,
      lease: null,
      leaseExpiresAt: null,
      endedAt: done.succeededAt,
    });
    expect(done.succeededAt).toBeGreaterThanOrEqual(second.startedAt ?? Infinity);
    expect(await queue.pullKeys()).toEqual([]);
  },

  "an item without a due time waits until a draft says when": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    const done = await queue.moved(pullMoves.complete(await queue.pullOne(), {}, never));
    expect(done).toMatchObject({ phase: "succeeded", dueAt: null });
    await q.pass(2);
    expect(await queue.pullKeys()).toEqual([]);
    const [waiting] = await queue.put({ key: "a", dueAt: q.now() - 1 });
    expect(waiting).toMatchObject({ phase: "succeeded", succeededAt: done.succeededAt });
    expect(await queue.pullKeys()).toEqual(["a"]);
  },

  "a failed item counts it, keeps the error, and is due after its delay": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    const error = { ...attemptError(1), code: "E", retryable: true };
    const failed = await queue.moved(
      pullMoves.fail(await queue.pullOne(), { memo: '"m"' }, error, { kind: "in", ms: hourMs }),
    );
    expect(failed).toMatchObject({
      phase: "failed",
      attempts: 1,
      failures: 1,
      lost: 0,
      memo: '"m"',
      owner: null,
    });
    expect(failed.error).toMatchObject({ message: error.message, code: "E", retryable: true, attempt: 1 });
    expect(failed.dueAt).toBeGreaterThan(q.now() + hourMs / 2);
    expect(failed).toMatchObject({ succeededAt: null, endedAt: failed.updatedAt });
    expect(await queue.pullKeys()).toEqual([]);
  },

  "errors are kept up to ten, and the last is answered": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    for (let failure = 1; failure <= 12; failure++) {
      const error = { ...attemptError(1), message: `failure ${failure}` };
      const item = await queue.moved(pullMoves.fail(await queue.pullOne(), {}, error, { kind: "in", ms: 0 }));
      expect(item).toMatchObject({ failures: failure, error: { message: error.message, attempt: failure } });
    }
    const { items } = await q.list({ status: "pending" });
    expect(items.map(({ errors }) => errors.length)).toEqual([10]);
  },

  "a released item is due at once, as if it had not been claimed": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a" });
    const failed = await queue.moved(
      pullMoves.fail(await queue.pullOne(), {}, attemptError(1), { kind: "in", ms: 0 }),
    );
    const released = await queue.moved(pullMoves.release(await queue.pullOne()));
    expect(released).toMatchObject({ phase: "idle", attempts: 1, failures: 1, lost: 0, owner: null });
    expect(released.endedAt).toBe(failed.endedAt);
    expect(await queue.pullKeys()).toEqual(["a"]);
  },

  "every change moves the revision on": async (q) => {
    const queue = pullQueue(q);
    const [idle] = await queue.put({ key: "a" });
    const leased = await queue.pullOne();
    const running = await queue.moved(pullMoves.checkpoint(leased, {}, null));
    const failed = await queue.moved(pullMoves.fail(running, {}, attemptError(1), { kind: "in", ms: 0 }));
    const again = await queue.pullOne();
    const released = await queue.moved(pullMoves.release(again));
    const last = await queue.moved(pullMoves.complete(await queue.pullOne(), {}, never));
    const revisions = [idle as PulledItem, leased, running, failed, again, released, last].map(
      ({ revision }) => revision,
    );
    expect(revisions).toEqual([0, 1, 2, 3, 4, 5, 7]);
  },
};
