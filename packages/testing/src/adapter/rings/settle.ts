import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { attemptError, completed, failed, parked, released, retryIn, stuck } from "../settlement.ts";

const hourMs = 3_600_000;

export const settle: Guarantees = {
  "a completed item is finished, and counts its attempt": async (q) => {
    const [item] = await q.claimNew({}, { body: "1", trace: '"t"' });
    expect(await q.settle(completed(item))).toEqual(["settled"]);
    expect(await q.view(item.id)).toMatchObject({
      state: "done",
      outcome: "completed",
      held: false,
      owner: null,
      dueAt: null,
      attempts: 1,
      failures: 0,
      lost: 0,
      body: "1",
      trace: '"t"',
      createdAt: item.createdAt,
      finishedAt: expect.any(Number),
    });
    expect(await q.claimIds()).toEqual([]);
  },

  "an item that failed for good is finished, and keeps its error": async (q) => {
    const [item] = await q.claimNew({}, {});
    const error = { ...attemptError(1), code: "E_BAD", stack: "Error: bad\n    at here" };
    expect(await q.settle(failed(item, error))).toEqual(["settled"]);
    const end = { state: "done", outcome: "failed", held: false, attempts: 1, failures: 1, errors: [error] };
    expect(await q.view(item.id)).toMatchObject({ ...end, finishedAt: expect.any(Number) });
    expect(await q.claimIds()).toEqual([]);
  },

  "an item may be settled as cancelled": async (q) => {
    const [item] = await q.claimNew({}, {});
    expect(await q.settle({ ...completed(item), outcome: "cancelled" })).toEqual(["settled"]);
    expect(await q.view(item.id)).toMatchObject({ state: "done", outcome: "cancelled", held: false });
  },

  "a failed attempt is due again after its delay": async (q) => {
    const before = q.now();
    const [item] = await q.claimNew({}, {});
    expect(await q.settle(retryIn(item, hourMs))).toEqual(["settled"]);
    const view = await q.view(item.id);
    expect(view).toMatchObject({
      state: "timed",
      held: false,
      attempts: 1,
      failures: 1,
      errors: [{ attempt: 1 }],
    });
    expect(Math.abs((view.dueAt ?? 0) - before - hourMs)).toBeLessThan(60_000);
    expect(await q.claimIds()).toEqual([]);
  },

  "a released item can be claimed at once, and used up no attempt": async (q) => {
    const [item] = await q.claimNew({}, {});
    expect(await q.settle(released(item))).toEqual(["settled"]);
    expect(await q.view(item.id)).toMatchObject({
      held: false,
      attempts: 0,
      failures: 0,
      lost: 0,
      errors: [],
    });
    const again = await q.claimOne();
    expect(again).toMatchObject({ id: item.id, revision: item.revision, failures: 0, lost: 0 });
    expect(again.lease).not.toBe(item.lease);
  },

  "an item that was held too long counts a loss": async (q) => {
    const [item] = await q.claimNew({}, {});
    expect(await q.settle(stuck(item))).toEqual(["settled"]);
    expect(await q.view(item.id)).toMatchObject({ attempts: 1, failures: 0, lost: 1 });
    expect(await q.claimOne()).toMatchObject({ id: item.id, lost: 1 });
  },

  "a parked item is not claimed": async (q) => {
    const [item] = await q.claimNew({}, { key: "a" });
    expect(await q.settle(parked(item))).toEqual(["settled"]);
    expect(await q.view(item.id)).toMatchObject({ state: "parked", held: false, attempts: 0, dueAt: null });
    expect(await q.claimIds()).toEqual([]);
  },

  "an item keeps its last ten errors, oldest first": async (q) => {
    const [id] = await q.enqueue({});
    for (let attempt = 1; attempt <= 12; attempt++) {
      await q.settle({
        ...retryIn(await q.claimOne(), 0, attemptError(attempt)),
        state: "ready",
        delayMs: null,
      });
    }
    const { errors, attempts } = await q.view(id);
    expect(errors.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(attempts).toBe(12);
  },

  "a settle under a lease that does not list the item changes nothing": async (q) => {
    const [mine] = await q.claimNew({}, {});
    const [other] = await q.claimNew({}, {});
    const stray = { ...mine, lease: other.lease };
    const unknown = { ...mine, lease: crypto.randomUUID() };
    expect(await q.settle(failed(stray), retryIn(unknown, 1))).toEqual(["lost", "lost"]);
    expect(await q.view(mine.id)).toMatchObject({ held: true, attempts: 0, outcome: null, errors: [] });
    expect(await q.settle(completed(mine), completed(other))).toEqual(["settled", "settled"]);
  },

  "a second settle of an item is lost, and the first one stands": async (q) => {
    const [done, dead, back] = await q.claimNew({}, {}, {}, {});
    await q.settle(completed(done), failed(dead), retryIn(back, hourMs));
    expect(await q.settle(failed(done), completed(dead), completed(back))).toEqual(["lost", "lost", "lost"]);
    expect(await q.view(done.id)).toMatchObject({ outcome: "completed", attempts: 1 });
    expect(await q.view(dead.id)).toMatchObject({ outcome: "failed", attempts: 1 });
    expect(await q.view(back.id)).toMatchObject({ state: "timed", attempts: 1 });
  },

  "an item that is settled twice in one batch is settled by the first": async (q) => {
    const [a, b] = await q.claimNew({}, {}, {});
    expect(await q.settle(completed(a), released(b), failed(a), failed(b))).toEqual([
      "settled",
      "settled",
      "lost",
      "lost",
    ]);
    expect(await q.view(a.id)).toMatchObject({ outcome: "completed", attempts: 1 });
    expect(await q.view(b.id)).toMatchObject({ outcome: null, attempts: 0 });
  },

  "a late settle that comes before the sweep stands": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    expect(await q.settle(completed(item))).toEqual(["settled"]);
    expect((await q.sweep()).lost).toEqual([]);
    expect(await q.view(item.id)).toMatchObject({ outcome: "completed", attempts: 1, lost: 0 });
  },

  "a settle that comes after the sweep is lost": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    await q.sweep();
    expect(await q.settle(completed(item))).toEqual(["lost"]);
    const next = await q.claimOne();
    expect(await q.settle(failed(item))).toEqual(["lost"]);
    expect(await q.view(item.id)).toMatchObject({
      held: true,
      outcome: null,
      attempts: 1,
      lost: 1,
      failures: 0,
    });
    expect(await q.settle(completed(next))).toEqual(["settled"]);
  },

  "a stale outcome harms none of its batch, and answers come in the order of the outcomes": async (q) => {
    const [stale] = await q.claimNew({ leaseMs: 1 }, { key: "stale" });
    await q.pass(2);
    await q.sweep();
    const [a, b, replaced, cancelled] = await q.claimNew({}, {}, {}, { key: "replaced" }, {});
    const [c] = await q.claimNew({}, {});
    await q.enqueueInConflict({ key: "replaced", onConflict: "replace" });
    await q.storage.cancel(q.queue, cancelled.id);
    const unknown = { ...c, id: q.newItem().id };
    expect(
      await q.settle(
        completed(c),
        completed(stale),
        failed(replaced),
        released(b),
        completed(unknown),
        retryIn(cancelled, 1),
        failed(a),
      ),
    ).toEqual(["settled", "lost", "replaced", "settled", "lost", "cancelled", "settled"]);
    expect(await q.view(a.id)).toMatchObject({ outcome: "failed" });
    expect(await q.view(c.id)).toMatchObject({ outcome: "completed" });
  },

  "an item that went back is no longer its old lease's": async (q) => {
    const [back, running] = await q.claimNew({ leaseMs: 1 }, {}, {});
    await q.settle(released(back));
    const again = await q.claimOne();
    expect(await q.settle(failed(back))).toEqual(["lost"]);
    await q.pass(2);
    expect((await q.sweep()).lost.map(({ id }) => id)).toEqual([running.id]);
    expect(await q.settle(completed(again))).toEqual(["settled"]);
    expect(await q.view(back.id)).toMatchObject({ attempts: 1, lost: 0 });
  },

  "a cancelled item ends as that, whatever its holder answers": async (q) => {
    const items = await q.claimNew({}, {}, {}, {}, {}, {});
    for (const { id } of items) expect(await q.storage.cancel(q.queue, id)).toBe("requested");
    const [a, b, c, d, e] = items;
    const answers = await q.settle(completed(a), failed(b), retryIn(c, 1), released(d), parked(e));
    expect(answers).toEqual(Array(5).fill("cancelled"));
    for (const { id } of items)
      expect(await q.view(id)).toMatchObject({ state: "done", outcome: "cancelled" });
  },

  "settling nothing answers nothing": async (q) => {
    expect(await q.settle()).toEqual([]);
  },

  "a batch of a thousand outcomes is settled whole": async (q) => {
    const items = await q.claimNew({ limit: 1000 }, ...Array.from({ length: 1000 }, () => ({})));
    const outcomes = items.map((item, index) => (index % 2 === 0 ? completed(item) : retryIn(item, hourMs)));
    expect(new Set(await q.settle(...outcomes))).toEqual(new Set(["settled"]));
    expect(await q.storage.count(q.queue)).toMatchObject({ completed: 500, pending: 500, processing: 0 });
  },
};
