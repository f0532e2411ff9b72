import { pullMoves } from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import { pullQueue } from "../pull-queue.ts";

const hourMs = 3_600_000;
const never = { kind: "never" } as const;
const awkward = JSON.stringify({ text: "\u0000 \ud800 \"'\\ é 🦋 {}", list: [1.5, null, "__proto__"] });

export const pullDrafts: Guarantees = {
  "a draft makes an item that is idle, at its first revision, and due now": async (q) => {
    const queue = pullQueue(q);
    const [item] = await queue.put({ key: "a", body: '{"b":1}', memo: '{"m":1}' });
    expect(item).toMatchObject({
      key: "a",
      phase: "idle",
      body: '{"b":1}',
      memo: '{"m":1}',
      owner: null,
      lease: null,
      leaseExpiresAt: null,
      attempts: 0,
      failures: 0,
      lost: 0,
      error: null,
      revision: 0,
      startedAt: null,
      endedAt: null,
      succeededAt: null,
    });
    expect(item?.dueAt).toBeLessThanOrEqual(item?.createdAt ?? 0);
    expect(await queue.find("a")).toEqual(item);
    expect(await queue.pullKeys()).toEqual(["a"]);
  },

  "drafts are answered in their order": async (q) => {
    const keys = ["c", "a", "b"];
    const items = await pullQueue(q).put(...keys.map((key) => ({ key })));
    expect(items.map(({ key }) => key)).toEqual(keys);
  },

  "a draft refreshes what it has, and leaves the rest": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", body: '"b"', memo: '"m"', dueAt: q.now() + hourMs });
    const [refreshed] = await queue.put({ key: "a", memo: '"n"' });
    expect(refreshed).toMatchObject({ body: '"b"', memo: '"n"', revision: 1 });
    expect(await queue.pullKeys()).toEqual([]);
    const [due] = await queue.put({ key: "a", dueAt: q.now() - 1 });
    expect(due).toMatchObject({ body: '"b"', memo: '"n"', revision: 2 });
    expect(await queue.pullKeys()).toEqual(["a"]);
  },

  "a draft without news changes nothing": async (q) => {
    const queue = pullQueue(q);
    const [before] = await queue.put({ key: "a", memo: '"m"' });
    expect(await queue.put({ key: "a" })).toEqual([before]);
  },

  "a draft may take the due time away, and give it back": async (q) => {
    const queue = pullQueue(q);
    const [none] = await queue.put({ key: "a", dueAt: null });
    expect(none).toMatchObject({ dueAt: null });
    expect(await queue.pullKeys()).toEqual([]);
    const at = q.now() - 5;
    expect(await queue.put({ key: "a", dueAt: at })).toMatchObject([{ dueAt: at }]);
    expect(await queue.put({ key: "a", dueAt: null })).toMatchObject([{ dueAt: null }]);
    await queue.put({ key: "a", dueAt: at });
    expect(await queue.pullKeys()).toEqual(["a"]);
  },

  "creating leaves what is there as it is": async (q) => {
    const queue = pullQueue(q);
    const [before] = await queue.put({ key: "a", memo: '"m"' });
    const items = await queue.create({ key: "a", memo: '"n"', dueAt: null }, { key: "b", memo: '"n"' });
    expect(items).toMatchObject([before, { key: "b", memo: '"n"' }]);
  },

  "a draft changes nothing of an active item": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", memo: '"m"' });
    const taken = await queue.pullOne();
    expect(await queue.put({ key: "a", memo: '"n"', dueAt: null })).toEqual([taken]);
    const running = await queue.moved(pullMoves.checkpoint(taken, { memo: '"o"' }, null));
    expect(await queue.put({ key: "a", memo: '"n"' })).toEqual([running]);
  },

  "an item whose lease has expired is active until somebody takes over": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", memo: '"m"' });
    const taken = await queue.pullOne(1);
    await q.pass(2);
    expect(await queue.put({ key: "a", memo: '"n"' })).toEqual([taken]);
  },

  "texts come back as they went": async (q) => {
    const queue = pullQueue(q);
    await queue.put({ key: "a", body: awkward, memo: awkward });
    const taken = await queue.pullOne();
    expect(taken).toMatchObject({ body: awkward, memo: awkward });
    const other = JSON.stringify({ awkward });
    const moved = await queue.moved(pullMoves.complete(taken, { body: other, memo: other }, never));
    expect(moved).toMatchObject({ body: other, memo: other });
    await queue.put({ key: "a", memo: "null", body: awkward });
    expect(await queue.find("a")).toMatchObject({ memo: "null", body: awkward });
  },

  "keys of any text are kept apart": async (q) => {
    const queue = pullQueue(q);
    const keys = ["a", "A", "a ", "ä", 'a"b', "a\\b", "{a,b}", "NULL", "🦋", "a/b"];
    await queue.put(...keys.map((key) => ({ key })));
    expect((await queue.pullKeys(100)).toSorted()).toEqual(keys.toSorted());
    expect(await q.adapter.pull.find(q.queue, [...keys, "b"])).toMatchObject([
      ...keys.map((key) => ({ key })),
      null,
    ]);
  },
};
