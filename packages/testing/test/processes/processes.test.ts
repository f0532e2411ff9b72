import { instantiate, migrate } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { sharedDatabases, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { newerRelease, type Order } from "./release.ts";
import { startWorker } from "./start-worker.ts";
import type { WorkerOptions } from "./worker-options.ts";

const soon = { withinMs: 15_000 };
const leaseMs = 1_000;

describe.each(sharedDatabases)("worker processes on %s", (kind) => {
  const database = useDatabase(kind);

  async function setUp() {
    const namespace = freshNamespace();
    const fragment = instantiate(newerRelease)
      .withConfig({ record: async () => {} })
      .withOptions({ databaseAdapter: database.adapter(), namespace })
      .build();
    await migrate(fragment);
    const { services, hooks } = fragment;
    return {
      fragment,
      namespace,
      start: (options: Partial<WorkerOptions> = {}) =>
        startWorker({
          location: database.location ?? "",
          namespaces: [namespace],
          durableHooks: { leaseMs },
          ...options,
        }),
      order: (...orders: Order[]) => services.order(orders),
      starts: async (id?: string) =>
        (await services.runs()).filter(({ phase, hook }) => phase === "start" && (id ?? hook) === hook),
      until: (id: string | undefined, status: string) =>
        eventually(async () => (await hooks.get(id ?? ""))?.status === status, soon),
      drained: () =>
        eventually(async () => {
          const { pending, processing } = await hooks.count();
          return pending + processing === 0;
        }, soon),
    };
  }

  it("two workers never run one hook twice", async () => {
    const { fragment, start, order, starts, drained } = await setUp();
    await Promise.all([
      start({ durableHooks: { concurrency: 5 } }),
      start({ durableHooks: { concurrency: 5 } }),
    ]);
    const batches = Array.from({ length: 20 }, () =>
      order(...Array<Order>(10).fill({ act: "take", ms: 20 })),
    );
    const ids = (await Promise.all(batches)).flat();
    await drained();
    const runs = await starts();
    expect(runs.map(({ hook }) => hook).toSorted()).toEqual(ids.toSorted());
    expect(new Set(runs.map(({ pid }) => pid)).size).toBe(2);
    expect(await fragment.hooks.count()).toMatchObject({ completed: 200, failed: 0 });
  }, 30_000);

  it("a hook whose worker was killed runs again after its lease, and not before", async () => {
    const { start, order, starts, until } = await setUp();
    const victim = await start();
    const [id] = await order({ act: "take", ms: 3_000 });
    await eventually(async () => (await starts(id)).length === 1, soon);
    const killedAt = Date.now();
    victim.signal("SIGKILL");
    await start();
    await until(id, "completed");
    const [first, second, ...more] = await starts(id);
    expect(more).toEqual([]);
    expect([first?.attempt, second?.attempt]).toEqual([1, 2]);
    // The lease was renewed at most a third of its life before the kill.
    expect((second?.at ?? 0) - killedAt).toBeGreaterThan(leaseMs * 0.6);
  }, 30_000);

  it("a hook that kills its process every time ends as failed after three losses, and its mates complete", async () => {
    const { fragment, start, order, starts, until, drained } = await setUp();
    const [poison, ...mates] = await order({ act: "kill" }, { act: "return" }, { act: "return" });
    for (let losses = 1; losses <= 3; losses++) expect(await (await start()).ended).toBe("SIGKILL");
    await start();
    await until(poison, "failed");
    await drained();
    expect(await starts(poison)).toHaveLength(3);
    expect(await fragment.hooks.get(poison ?? "")).toMatchObject({
      lost: 3,
      attempts: 3,
      lastError: { code: "LOST" },
    });
    for (const id of mates) expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed" });
  }, 30_000);

  it("a hook that runs three times longer than its lease runs once, beside a worker that waits for it", async () => {
    const { start, order, starts, until } = await setUp();
    await Promise.all([start(), start()]);
    const [id] = await order({ act: "take", ms: 3 * leaseMs });
    await until(id, "completed");
    expect(await starts(id)).toHaveLength(1);
  }, 30_000);

  it("a worker frozen past its lease writes nothing when it goes on, and its batch-mates are unharmed", async () => {
    const { fragment, start, order, starts, until, drained } = await setUp();
    // Between its polls it has no write lock, with which nobody could go on when it is frozen.
    const frozen = await start({ pollIntervalMs: 2_000 });
    const ids = await order({ act: "commit late", ms: 400 }, { act: "commit late", ms: 400 });
    await eventually(async () => (await starts()).length === 2, soon);
    frozen.signal("SIGSTOP");
    const other = await start();
    for (const id of ids) await until(id, "completed");
    frozen.signal("SIGCONT");
    const [late] = await order({ act: "return" });
    await until(late, "completed");
    await drained();
    const effects = (await fragment.services.runs()).filter(({ phase }) => phase === "effect");
    expect(effects.map(({ hook }) => hook).toSorted()).toEqual(ids.toSorted());
    expect(new Set(effects.map(({ pid }) => pid))).toEqual(new Set([other.pid]));
  }, 30_000);

  it("SIGTERM gives running work back at once, without using an attempt", async () => {
    const { fragment, start, order, starts, until } = await setUp();
    const leaving = await start({ durableHooks: { leaseMs: 60_000 } });
    const [id] = await order({ act: "take", ms: 2_000 });
    await eventually(async () => (await starts(id)).length === 1, soon);
    leaving.signal("SIGTERM");
    expect(await leaving.ended).toBe(0);
    expect(await fragment.hooks.get(id ?? "")).toMatchObject({ status: "pending", attempts: 0 });
    await start({ durableHooks: { leaseMs: 60_000 } });
    await until(id, "completed");
    expect((await starts(id)).map(({ attempt }) => attempt)).toEqual([1, 1]);
  }, 30_000);

  it("a worker of the release before leaves a hook alone that it does not know", async () => {
    const { fragment, start, order, until } = await setUp();
    await start({ release: "older" });
    const added = await fragment.services.orderAdded();
    const [known] = await order({ act: "return" });
    await until(known, "completed");
    expect(await fragment.hooks.get(added)).toMatchObject({ status: "pending", attempts: 0 });
    await start({ release: "newer" });
    await until(added, "completed");
  }, 30_000);

  it("one hung hook slows neither the others nor another fragment", async () => {
    const first = await setUp();
    const second = await setUp();
    const namespaces = [first.namespace, second.namespace];
    await first.start({ namespaces, durableHooks: { concurrency: 2 } });
    const [hung] = await first.order({ act: "hang" });
    await eventually(async () => (await first.starts(hung)).length === 1, soon);
    await Promise.all([
      first.order(...Array<Order>(50).fill({ act: "return" })),
      second.order(...Array<Order>(50).fill({ act: "return" })),
    ]);
    await second.drained();
    await eventually(async () => (await first.fragment.hooks.count()).completed === 50, soon);
    expect(await first.fragment.hooks.get(hung ?? "")).toMatchObject({ status: "processing" });
  }, 30_000);
});
