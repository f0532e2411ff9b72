import type { NewItem } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { completed } from "../settlement.ts";

export const suspects: Guarantees = {
  "of the items that were lost too often, a claim takes the first, beside others": async (q) => {
    const [first, second] = await loseTwice(q, [{}, {}]);
    const [fresh] = await q.enqueue({});
    const { items } = await q.claim({ suspects: { lostFrom: 2, takesOne: true } });
    expect(items.map(({ id, lost }) => [id, lost])).toEqual([
      [first, 2],
      [fresh, 0],
    ]);
    const next = await q.claimOne({ suspects: { lostFrom: 2, takesOne: true } });
    expect(next).toMatchObject({ id: second, lost: 2 });
  },

  "a claim that takes no suspect takes all others, and leaves the suspects where they are": async (q) => {
    const ids = await loseTwice(q, [{}, {}, {}]);
    const fresh = await q.enqueue({}, {});
    expect(await q.claimIds({ suspects: { lostFrom: 2, takesOne: false } })).toEqual(fresh);
    expect(await q.claimIds({ suspects: { lostFrom: 2, takesOne: false } })).toEqual([]);
    for (const id of ids) {
      const item = await q.claimOne({ suspects: { lostFrom: 2, takesOne: true } });
      expect(item.id).toBe(id);
      await q.settle(completed(item));
    }
  },

  "suspects hide nothing from a claim with a small limit": async (q) => {
    await loseTwice(q, [{}, {}, {}]);
    const [fresh] = await q.enqueue({});
    expect(await q.claimIds({ suspects: { lostFrom: 2, takesOne: false }, limit: 1 })).toEqual([fresh]);
  },

  "a suspect that is left behind keeps its place among those of its concurrency key": async (q) => {
    const [first, second] = await loseTwice(q, [{}, { concurrencyKey: "account" }]);
    await q.enqueue({ concurrencyKey: "account" });
    const [one] = (await q.claim({ suspects: { lostFrom: 2, takesOne: true } })).items;
    expect(one?.id).toBe(first);
    expect(await q.claimIds({ suspects: { lostFrom: 2, takesOne: false } })).toEqual([]);
    expect(await q.claimIds({ suspects: { lostFrom: 2, takesOne: true } })).toEqual([second]);
  },

  "an item that was lost less often is no suspect": async (q) => {
    const ids = await loseTwice(q, [{}, {}]);
    expect(await q.claimIds({ suspects: { lostFrom: 3, takesOne: false } })).toEqual(ids);
  },

  "a suspect that was retried by an operator is none any more": async (q) => {
    const [item] = await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    await q.sweep(100, 1);
    await q.storage.retry(q.queue, item.id);
    expect(await q.claimIds({ suspects: { lostFrom: 1, takesOne: false } })).toEqual([item.id]);
  },
};

async function loseTwice(q: QueueUnderTest, items: readonly Partial<NewItem>[]): Promise<readonly string[]> {
  const ids = await q.enqueue(...items);
  for (let loss = 0; loss < 2; loss++) {
    expect(await q.claimIds({ leaseMs: 1 })).toEqual(ids);
    await q.pass(2);
    await q.sweep();
  }
  return ids;
}
