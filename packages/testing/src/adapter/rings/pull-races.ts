import { type PulledItem, pullMoves } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { pullQueue, pullQueueOf } from "../pull-queue.ts";

const never = { kind: "never" } as const;

export const pullRaces: Guarantees = {
  "eight callers at once pull disjoint items, and all of them": async (q) => {
    await pullQueue(q).put(...Array.from({ length: 1_000 }, (_, index) => ({ key: `key ${index}` })));
    const callers = Array.from({ length: 8 }, (_, index) =>
      pullQueueOf(q.adapters[index % 3] ?? q.adapter, q.queue, `caller ${index}`),
    );
    const pulled = await Promise.all(
      callers.map(async (caller) => {
        const all: PulledItem[] = [];
        for (;;) {
          const batch = await caller.pull(17);
          if (batch.length === 0) return all;
          all.push(...batch);
        }
      }),
    );
    const keys = pulled.flat().map(({ key }) => key);
    expect(keys).toHaveLength(1_000);
    expect(new Set(keys).size).toBe(1_000);
  },

  "of callers that take over at once, one gets the item": async (q) => {
    await pullQueue(q).put({ key: "a" });
    await pullQueue(q).pullOne(1);
    await q.pass(2);
    const pulled = await Promise.all(
      q.adapters.map((adapter, index) => pullQueueOf(adapter, q.queue, `caller ${index}`).pull()),
    );
    expect(pulled.flat()).toMatchObject([{ revision: 2, lost: 1 }]);
  },

  "of moves at one revision, one is accepted": async (q) => {
    await pullQueue(q).put({ key: "a" });
    const taken = await pullQueue(q).pullOne();
    const answers = await Promise.all(
      q.adapters.map((adapter, index) =>
        adapter.pull.move(q.queue, [pullMoves.complete(taken, { memo: `${index}` }, never)]),
      ),
    );
    expect(
      answers
        .flat()
        .map(({ result }) => result)
        .toSorted(),
    ).toEqual(["conflict", "conflict", "moved"]);
  },

  "a takeover and a late end come one before the other": async (q) => {
    for (let round = 0; round < 10; round++) {
      const key = `key ${round}`;
      await pullQueue(q).put({ key });
      const taken = await pullQueue(q).pullOne(1);
      await q.pass(2);
      const [first, second] = q.adapters;
      const [[ended], takenOver] = await Promise.all([
        first.pull.move(q.queue, [pullMoves.complete(taken, {}, never)]),
        pullQueueOf(second, q.queue, "other").pull(1),
      ]);
      const [other] = takenOver;
      if (ended?.result === "moved") expect(takenOver).toEqual([]);
      else expect(ended).toMatchObject({ result: "conflict", item: { revision: 2 } });
      if (other !== undefined) await pullQueue(q).moved(pullMoves.complete(other, {}, never));
    }
  },

  "drafts of the same keys at once make each item once": async (q) => {
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
    const shuffled = [keys, keys.toReversed(), [...keys.slice(20), ...keys.slice(0, 20)]];
    const put = await Promise.all(
      q.adapters.map((adapter, index) =>
        pullQueueOf(adapter, q.queue, "").put(
          ...(shuffled[index] ?? keys).map((key) => ({ key, memo: `${index}` })),
        ),
      ),
    );
    const ids = new Map(put.flat().map(({ key, id }) => [key, id]));
    for (const { key, id } of put.flat()) expect(ids.get(key)).toBe(id);
    expect(await pullQueue(q).pull(1_000)).toHaveLength(50);
  },
};
