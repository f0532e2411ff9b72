import type { ClaimedItem, DatabaseAdapter, Transaction } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { signal } from "../signal.ts";
import { attemptError, completed, failed, released } from "../settlement.ts";

export const hold: Guarantees = {
  "hold tells whether an item is still its caller's": async (q) => {
    const [mine, done, cancelled] = await q.claimNew({}, {}, {}, {});
    const [elsewhere] = await q.claimNew({}, {});
    const [swept] = await q.claimNew({ leaseMs: 1 }, {});
    await q.settle(completed(done));
    await q.storage.cancel(q.queue, cancelled.id);
    await q.pass(2);
    await q.sweep();
    const attempts = [mine, done, cancelled, { ...elsewhere, lease: mine.lease }, swept];
    const answers = await q.adapter.transaction(async (tx) => {
      const held = [];
      for (const { lease, id } of attempts) held.push(await q.storage.hold(tx, lease, id));
      return held;
    });
    expect(answers).toEqual(["held", "lost", "cancelled", "lost", "lost"]);
  },

  "a settle in a transaction commits together with what else it wrote": async (q) => {
    const [item] = await q.claimNew({}, {});
    const next = q.newItem();
    await q.adapter.transaction(async (tx) => {
      await end(tx, q.adapter, q.queue, item);
      await q.storage.enqueue(tx, [next]);
    });
    expect(await q.view(item.id)).toMatchObject({ outcome: "completed", attempts: 1 });
    expect(await q.claimIds()).toEqual([next.id]);
  },

  "a settle in a transaction rolls back together with what else it wrote": async (q) => {
    const [item] = await q.claimNew({}, {});
    const next = q.newItem();
    const transaction = q.adapter.transaction(async (tx) => {
      await end(tx, q.adapter, q.queue, item);
      await q.storage.enqueue(tx, [next]);
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    expect(await q.storage.get(q.queue, next.id)).toBeNull();
    expect(await q.view(item.id)).toMatchObject({ held: true, outcome: null, attempts: 0 });
    expect(await q.settle(failed(item, attemptError(1)))).toEqual(["settled"]);
  },

  "an item may go back in a transaction": async (q) => {
    const [item] = await q.claimNew({}, {});
    await q.adapter.transaction(async (tx) => {
      await q.storage.hold(tx, item.lease, item.id);
      await q.storage.settle(q.queue, [released(item)], tx);
    });
    expect(await q.claimIds()).toEqual([item.id]);
  },

  "a sweep does not pass an open hold": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    const held = signal();
    const swept = held.fired.then(() => q.adapters[1].storage.sweep(q.queue, 100, 3));
    await q.adapter.transaction(async (tx) => {
      expect(await q.storage.hold(tx, item.lease, item.id)).toBe("held");
      held.fire();
      await answeredWithin(swept, 200);
      expect(await q.storage.settle(q.queue, [completed(item)], tx)).toEqual([
        { id: item.id, result: "settled" },
      ]);
    });
    expect((await swept).lost).toEqual([]);
    expect(await q.view(item.id)).toMatchObject({ outcome: "completed", attempts: 1, lost: 0 });
  },

  "a hold that was rolled back leaves its lease to the sweep": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    const transaction = q.adapter.transaction(async (tx) => {
      await end(tx, q.adapter, q.queue, item);
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    await q.pass(2);
    expect((await q.sweep()).lost).toMatchObject([{ id: item.id, lost: 1 }]);
  },

  "batch-mates end in transactions side by side": async (q) => {
    const items = await q.claimNew({}, {}, {}, {}, {});
    const [first, ...others] = items;
    await Promise.all([
      ...others.map((item, index) => {
        const adapter = q.adapters[index] ?? q.adapter;
        return adapter.transaction((tx) => end(tx, adapter, q.queue, item));
      }),
      q.settle(completed(first)),
      q.storage.extend(q.queue, [first.lease], 60_000),
    ]);
    expect(await q.storage.count(q.queue)).toMatchObject({ completed: items.length, processing: 0 });
  },
};

async function end(
  tx: Transaction,
  { storage }: DatabaseAdapter,
  queue: string,
  item: ClaimedItem,
): Promise<void> {
  expect(await storage.hold(tx, item.lease, item.id)).toBe("held");
  expect(await storage.settle(queue, [completed(item)], tx)).toEqual([{ id: item.id, result: "settled" }]);
}

/** Wait for an answer, but not for long: where a database has one writer, it comes only after the transaction. */
async function answeredWithin(answer: Promise<unknown>, ms: number): Promise<void> {
  await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, ms))]);
}
