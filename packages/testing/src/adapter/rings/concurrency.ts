import { expect } from "vitest";
import { claimRequest } from "../claim-request.ts";
import type { Guarantees } from "../guarantee.ts";
import { completed, failed } from "../settlement.ts";

export const concurrency: Guarantees = {
  "eight claimers share out a thousand items, and never share one": async (q) => {
    const ids = await q.enqueue(...Array.from({ length: 1000 }, () => ({})));
    const request = claimRequest(q.queue, { limit: 17, owner: "one of eight" });
    const claimed: string[] = [];
    const claimer = async (_: unknown, index: number) => {
      const { storage } = q.adapters[index % 3] ?? q.adapter;
      for (let more = true; more;) {
        const claim = await storage.claim(request, []);
        claimed.push(...claim.items.map(({ id }) => id));
        more = claim.more;
      }
    };
    await Promise.all(Array.from({ length: 8 }, claimer));
    expect(claimed.toSorted()).toEqual(ids.toSorted());
    expect(await q.storage.count(q.queue)).toMatchObject({ pending: 0, processing: 1000 });
  },

  "claimers that come at once never run two items of a concurrency key": async (q) => {
    await q.enqueue(...Array.from({ length: 40 }, (_, index) => ({ concurrencyKey: `k${index % 4}` })));
    const request = claimRequest(q.queue, { limit: 3, owner: "one of six" });
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        (q.adapters[index % 3] ?? q.adapter).storage.claim(request, []),
      ),
    );
    expect(claims.flatMap(({ items }) => items)).toHaveLength(4);
  },

  "sweeps that come at once count each loss once": async (q) => {
    const items = await q.claimNew({ leaseMs: 1 }, {}, {}, {});
    await q.claimNew({ leaseMs: 1 }, {});
    await q.pass(2);
    const sweeps = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        (q.adapters[index % 3] ?? q.adapter).storage.sweep(q.queue, 10, 3),
      ),
    );
    expect(sweeps.flatMap(({ lost }) => lost)).toHaveLength(4);
    for (const { id } of items) expect(await q.view(id)).toMatchObject({ attempts: 1, lost: 1 });
  },

  "of a settle and a sweep that come at once, each item believes the same one": async (q) => {
    for (let round = 0; round < 10; round++) {
      const items = await q.claimNew({ leaseMs: 1 }, {}, {}, {}, {});
      await q.pass(2);
      const [answers, { lost }] = await Promise.all([
        q.settle(...items.map((item) => completed(item))),
        q.adapters[1].storage.sweep(q.queue, 100, 3),
      ]);
      for (const [index, { id }] of items.entries()) {
        const isLost = lost.some((item) => item.id === id);
        expect(answers[index]).toBe(isLost ? "lost" : "settled");
        const end = isLost ? { outcome: null, lost: 1 } : { outcome: "completed", lost: 0 };
        expect(await q.view(id)).toMatchObject({ ...end, attempts: 1, held: false });
        await q.storage.cancel(q.queue, id);
      }
    }
  },

  "of a settle and a cancellation that come at once, both hear of the same end": async (q) => {
    for (let round = 0; round < 10; round++) {
      const [item] = await q.claimNew({}, {});
      const [[settled], cancelled] = await Promise.all([
        q.settle(completed(item)),
        q.adapters[1].storage.cancel(q.queue, item.id),
      ]);
      const { outcome } = await q.view(item.id);
      const end = { settled, cancelled, outcome };
      expect([
        { settled: "settled", cancelled: "finished", outcome: "completed" },
        { settled: "cancelled", cancelled: "requested", outcome: "cancelled" },
      ]).toContainEqual(end);
    }
  },

  "of a claim and a cancellation that come at once, the later one sees the earlier": async (q) => {
    for (let round = 0; round < 10; round++) {
      const [id] = await q.enqueue({});
      const [claimed, cancelled] = await Promise.all([
        q.claimIds(),
        q.adapters[1].storage.cancel(q.queue, id),
      ]);
      expect(["requested", "cancelled"]).toContain(cancelled);
      // A claim that reads its items after it leased them ends one whose cancellation is requested by then.
      const { outcome } = await q.view(id);
      if (claimed.length === 0) expect(outcome).toBe("cancelled");
      else expect([claimed, cancelled, outcome]).toEqual([[id], "requested", null]);
    }
  },

  "of the retries of one item that come at once, one counts": async (q) => {
    const [item] = await q.claimNew({}, {});
    await q.settle(failed(item));
    const answers = await Promise.all(q.adapters.map(({ storage }) => storage.retry(q.queue, item.id)));
    expect(answers.toSorted()).toEqual(["not_failed", "not_failed", "retried"]);
    expect(await q.claimOne()).toMatchObject({ id: item.id, revision: 0 });
  },

  "of the items that come at once under one key, one is kept": async (q) => {
    const items = q.adapters.map(() => q.newItem({ key: "a", onConflict: "ignore" }));
    const conflicts = await Promise.all(
      items.map((item, index) => {
        const adapter = q.adapters[index] ?? q.adapter;
        return adapter.transaction((tx) => adapter.storage.enqueue(tx, [item]));
      }),
    );
    const kept = await q.claimOne();
    expect(conflicts.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
      items
        .filter(({ id }) => id !== kept.id)
        .map(({ id }) => ({ id, existingId: kept.id, resolution: "ignored" }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
  },

  "an item that is replaced from several sides at once keeps one of the payloads whole": async (q) => {
    const [id] = await q.enqueue({ key: "a" });
    const bodies = ["1", "2", "3"];
    await Promise.all(
      bodies.map((body, index) => {
        const adapter = q.adapters[index] ?? q.adapter;
        const item = q.newItem({ key: "a", body, trace: body, onConflict: "replace" });
        return adapter.transaction((tx) => adapter.storage.enqueue(tx, [item]));
      }),
    );
    const item = await q.claimOne();
    expect(item).toMatchObject({ id, revision: 3, trace: item.body });
    expect(bodies).toContain(item.body);
  },

  "migrators that come at once apply each migration once": async (q) => {
    await q.inEmpty(async (database) => {
      const others = database.another ? [await database.another(), await database.another()] : [];
      const migrators = [database.adapter, database.adapter, ...others].map(({ migrator }) => migrator);
      const reports = await Promise.all(migrators.map((migrator) => migrator.apply([migrator.kernel])));
      const tags = database.adapter.migrator.kernel.migrations.map(({ tag }) => tag);
      expect(reports.flat().flatMap(({ applied }) => applied)).toEqual(tags);
      expect(reports.flat().flatMap(({ present }) => present)).toHaveLength(
        (migrators.length - 1) * tags.length,
      );
      await Promise.all(others.map((adapter) => adapter.close()));
    });
  },
};
