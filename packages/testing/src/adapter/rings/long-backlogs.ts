import type { ClaimedItem, NewItem } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { completed, parked, retryIn } from "../settlement.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;
const keyed = { concurrencyKey: "k" };
/** More than a claim of few looks through before an adapter may move what is busy out of its way. */
const many = 300;

/** One concurrency key with many items waiting, wherever an adapter keeps them: what users see is the same. */
export const longBacklogs: Guarantees = {
  "behind many items of a busy key, others are claimed in exact order": async (q) => {
    await busyWith(q, many);
    const [a, b, urgent] = await q.enqueue({}, { concurrencyKey: "other" }, { priority: 1 });
    expect(await q.claimIds({ limit: 2 })).toEqual([urgent, a]);
    expect(await q.claimIds({ limit: 2 })).toEqual([b]);
    expect(await q.claimIds()).toEqual([]);
  },

  "the items of a busy key run one by one in exact order, what is triggered later too": async (q) => {
    const { item, ids } = await busyWith(q, many, (n) => ({ priority: n % 3 }));
    const ordered = [2, 1, 0].flatMap((priority) => ids.filter((_, n) => n % 3 === priority));
    const [low, urgent, usual] = await q.enqueue(
      { ...keyed, priority: -1 },
      { ...keyed, priority: 3 },
      { ...keyed, priority: 1 },
    );
    const ones = ordered.splice(many / 3, many / 3);
    expect(await drain(q, item)).toEqual([
      urgent,
      ...ordered.splice(0, many / 3),
      ...ones,
      usual,
      ...ordered,
      low,
    ]);
  },

  "several keys with many items each run side by side, each in order": async (q) => {
    const keys = ["a", "b", "c"];
    const key = (n: number) => keys[n % 3] ?? "";
    const ids = await enqueueMany(q, many, (n) => ({ concurrencyKey: key(n) }));
    const ran: string[] = [];
    for (
      let claim = await q.claim({ limit: 4 });
      claim.items.length > 0;
      claim = await q.claim({ limit: 4 })
    ) {
      expect(claim.items.map(({ concurrencyKey }) => concurrencyKey).toSorted()).toEqual(
        keys.slice(0, claim.items.length),
      );
      // Of each key one at most, while those run.
      expect(await q.claimIds({ limit: 4 })).toEqual([]);
      await q.settle(...claim.items.map(completed));
      ran.push(...claim.items.map(({ id }) => id));
    }
    for (const one of keys) {
      const own = new Set(ids.filter((_, n) => key(n) === one));
      expect(ran.filter((id) => own.has(id))).toEqual([...own]);
    }
  },

  "what waits behind a busy key is pending, counted, listed and found": async (q) => {
    const { ids } = await busyWith(q, many);
    expect(await q.storage.count(q.queue)).toMatchObject({ pending: many, processing: 1, failed: 0 });
    await q.pass(20);
    const { oldestDueMs } = await q.storage.count(q.queue);
    expect(oldestDueMs).toBeGreaterThanOrEqual(20);
    const page = await q.list({ limit: many });
    expect(page.items.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(await q.view(ids[many - 1] ?? "")).toMatchObject({
      held: false,
      outcome: null,
      dueAt: null,
      attempts: 0,
    });
    expect(await q.storage.retry(q.queue, ids[many - 1] ?? "")).toBe("not_failed");
  },

  "one that is cancelled while it waits never runs, and holds up none": async (q) => {
    const { item, ids } = await busyWith(q, many);
    const cancelled = new Set([0, 1, 2, 150, many - 1].map((n) => ids[n] ?? ""));
    for (const id of cancelled) expect(await q.storage.cancel(q.queue, id)).toBe("cancelled");
    expect(await drain(q, item)).toEqual(ids.filter((id) => !cancelled.has(id)));
    expect(await q.view(ids[150] ?? "")).toMatchObject({ outcome: "cancelled" });
  },

  "the first ones may be cancelled while their key is free": async (q) => {
    const { item, ids } = await busyWith(q, many);
    await q.settle(completed(item));
    for (const id of ids.slice(0, many - 2)) await q.storage.cancel(q.queue, id);
    expect(await q.nextWakeInMs()).toBe(0);
    const next = await q.claimOne();
    expect(next.id).toBe(ids[many - 2]);
    expect(await drain(q, next)).toEqual(ids.slice(-1));
  },

  "one that is replaced while it waits goes by its new priority and time, and holds up none": async (q) => {
    const { item, ids } = await busyWith(q, many, (n) => ({ key: `key ${n}` }));
    const replace = (n: number, by: Partial<NewItem>) =>
      q.enqueueInConflict({ ...keyed, ...by, key: `key ${n}`, onConflict: "replace" });
    await replace(0, { dueAt: q.now() + hourMs });
    await replace(1, { priority: -1 });
    await replace(200, { priority: 1 });
    await replace(201, { dueAt: q.now() + hourMs });
    await replace(202, {});
    const usual = ids.filter((_, n) => ![0, 1, 200, 201].includes(n));
    expect(await drain(q, item)).toEqual([ids[200], ...usual, ids[1]]);
    expect(await q.view(ids[201] ?? "")).toMatchObject({ state: "timed", revision: 1 });
  },

  "the first ones may be replaced to be due later, while their key is free": async (q) => {
    const { item, ids } = await busyWith(q, many, (n) => ({ key: `key ${n}` }));
    await q.settle(completed(item));
    const later = Array.from({ length: many - 1 }, (_, n) => ({ key: `key ${n}`, dueAt: q.now() + hourMs }));
    await q.enqueueInConflict(...later.map((one) => ({ ...one, onConflict: "replace" as const })));
    expect(await q.nextWakeInMs()).toBe(0);
    expect(await q.claimIds()).toEqual([ids[many - 1]]);
  },

  "nobody is woken for what waits behind a busy key, but at once when it is free": async (q) => {
    const { item } = await busyWith(q, many);
    const inMs = await q.nextWakeInMs();
    expect(inMs).toBeGreaterThan(minuteMs / 2);
    await q.settle(completed(item));
    expect(await q.nextWakeInMs()).toBe(0);
  },

  "a worker that does not know the first of many takes the first that it knows": async (q) => {
    const { item, ids } = await busyWith(q, many, (n) => ({
      name: n < 200 || n % 2 === 0 ? "new" : "deliver",
    }));
    await q.settle(completed(item));
    const known = await q.claimOne();
    expect(known.id).toBe(ids[201]);
    expect(await q.claimIds({ names: ["new"] })).toEqual([]);
    await q.settle(completed(known));
    const [first] = await q.claimIds({ names: ["new", "deliver"] });
    expect(first).toBe(ids[0]);
  },

  "one that waits for its retry keeps its place before many, unless it releases its key": async (q) => {
    for (const releaseKeyOnRetry of [false, true]) {
      const { item, ids } = await busyWith(q, many, () => ({}), { releaseKeyOnRetry });
      await q.settle(retryIn(item, hourMs));
      expect(await q.claimIds()).toEqual(releaseKeyOnRetry ? ids.slice(0, 1) : []);
      if (!releaseKeyOnRetry) for (const id of [item.id, ...ids]) await q.storage.cancel(q.queue, id);
    }
  },

  "many wait until a due retry before them has run, and no longer for a parked one": async (q) => {
    const { item, ids } = await busyWith(q, many);
    await q.settle(retryIn(item, 1));
    await q.pass(2);
    await q.sweep();
    const again = await q.claimOne();
    expect(again.id).toBe(item.id);
    await q.settle(parked(again));
    expect(await q.claimIds()).toEqual(ids.slice(0, 1));
  },

  "what was lost goes before the many behind it": async (q) => {
    const { item, ids } = await busyWith(q, many, () => ({}), {}, 1);
    await q.pass(2);
    expect((await q.sweep()).lost).toHaveLength(1);
    const again = await q.claimOne();
    expect(again.id).toBe(item.id);
    await q.settle(completed(again));
    expect(await q.claimIds()).toEqual(ids.slice(0, 1));
  },

  "waking parked items wakes none that wait behind others": async (q) => {
    const { ids } = await busyWith(q, many, (n) => ({ key: `key ${n}` }));
    expect(
      await q.storage.wake(
        q.queue,
        ids.map((_, n) => `key ${n}`),
      ),
    ).toBe(0);
    expect(await q.claimIds()).toEqual([]);
  },
};

/** A key that is held, many items behind it, and claims that have walked past them. */
async function busyWith(
  q: QueueUnderTest,
  count: number,
  make: (n: number) => Partial<NewItem> = () => ({}),
  first: Partial<NewItem> = {},
  leaseMs = minuteMs,
): Promise<{ readonly item: ClaimedItem; readonly ids: readonly string[] }> {
  const [item] = await q.claimNew({ leaseMs }, { ...keyed, ...first });
  const ids = await enqueueMany(q, count, (n) => ({ ...keyed, ...make(n) }));
  for (let claim = 0; claim < 2; claim++)
    expect(await q.claimIds({ limit: 1, names: ["deliver", "new"] })).toEqual([]);
  return { item, ids };
}

function enqueueMany(
  q: QueueUnderTest,
  count: number,
  make: (n: number) => Partial<NewItem>,
): Promise<readonly string[]> {
  return q.enqueue(...Array.from({ length: count }, (_, n) => make(n)));
}

/** Complete the item, and run the others one by one; answers them as they came. */
async function drain(q: QueueUnderTest, item: ClaimedItem): Promise<readonly string[]> {
  const ran: string[] = [];
  await q.settle(completed(item));
  for (
    let { items } = await q.claim({ limit: 1 });
    items.length > 0;
    { items } = await q.claim({ limit: 1 })
  ) {
    ran.push(...items.map(({ id }) => id));
    await q.settle(...items.map(completed));
  }
  return ran;
}
