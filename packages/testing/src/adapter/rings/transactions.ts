import { isSherdError } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { signal } from "../signal.ts";

export const transactions: Guarantees = {
  "a transaction resolves with what its function returned": async (q) => {
    expect(await q.adapter.transaction(async () => "the answer")).toBe("the answer");
  },

  "a transaction that rejects rolls back across awaits, and rejects with what was thrown": async (q) => {
    const thrown = new Error("the caller's own");
    const item = q.newItem();
    const transaction = q.adapter.transaction(async (tx) => {
      await q.storage.enqueue(tx, [item]);
      await macrotask();
      await q.storage.enqueue(tx, [q.newItem()]);
      throw thrown;
    });
    await expect(transaction).rejects.toBe(thrown);
    expect(await q.storage.get(q.queue, item.id)).toBeNull();
    expect(await q.storage.count(q.queue)).toMatchObject({ pending: 0 });
  },

  "a transaction that rolls back takes nothing of one that runs beside it": async (q) => {
    const items = [q.newItem(), q.newItem(), q.newItem(), q.newItem()] as const;
    const run = (index: 0 | 2, end: () => void) =>
      q.adapter.transaction(async (tx) => {
        await q.storage.enqueue(tx, [items[index]]);
        await macrotask();
        await q.storage.enqueue(tx, [items[index + 1] ?? items[index]]);
        await macrotask();
        end();
      });
    const [rolledBack, committed] = await Promise.allSettled([
      run(0, () => {
        throw new Error("roll back");
      }),
      run(2, () => {}),
    ]);
    expect([rolledBack.status, committed.status]).toEqual(["rejected", "fulfilled"]);
    expect(await q.claimIds()).toEqual([items[2].id, items[3].id]);
  },

  "a verb that is called beside an open transaction is no part of it": async (q) => {
    const [id] = await q.enqueue({});
    const opened = signal();
    const beside = opened.fired.then(() => q.claimIds());
    const transaction = q.adapter.transaction(async (tx) => {
      await q.storage.enqueue(tx, [q.newItem()]);
      opened.fire();
      await macrotask();
      throw new Error("roll back");
    });
    await expect(transaction).rejects.toThrow("roll back");
    expect(await beside).toEqual([id]);
    expect(await q.view(id)).toMatchObject({ held: true });
    expect(await q.claimIds()).toEqual([]);
  },

  "a verb that is called inside an open transaction, but not on it, is answered or refused": async (q) => {
    const answer = await q.adapter.transaction(() =>
      Promise.race([
        q.storage.count(q.queue).then(
          () => "answered",
          (error: unknown) => (isSherdError(error, "NESTED_TRANSACTION") ? "refused" : Promise.reject(error)),
        ),
        // Without an end of the transaction, a verb that waits for it would keep all later tests waiting too.
        new Promise((resolve) => setTimeout(resolve, 2000, "waits for the transaction that it is in")),
      ]),
    );
    expect(["answered", "refused"]).toContain(answer);
  },

  "a failed transaction leaves the adapter usable": async (q) => {
    for (let round = 0; round < 20; round++) {
      await expect(q.adapter.transaction(() => Promise.reject(new Error("roll back")))).rejects.toThrow(
        "roll back",
      );
    }
    const [id] = await q.enqueue({});
    expect(await q.claimIds()).toEqual([id]);
  },
};

/** Give every other pending promise and the event loop a turn. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
