import { isSherdError } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { dispatcherId, heldBy, hourMs, openSubjects, warehouse } from "../use-subjects.ts";
import { drive } from "./drive.ts";

const soon = { withinMs: 5_000 };

describe.each(bothDatabases)("leases of runs, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("heartbeats keep the lease of a run that takes longer than that: nobody takes over", async () => {
    const started = signal();
    const finish = signal();
    const leaseMs = 300;
    const run = async () => {
      started.resolve();
      await finish.promise;
    };
    const driven = drive(database.adapter(), run, { leaseMs });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    await driven.processor.wake();
    await started.promise;
    const first = await get("a");
    const other = warehouse(openSubjects(database.adapter(), { profile: driven.subjects.profile }));
    const taken: unknown[] = [];
    const longAfter = (first.leaseExpiresAt?.getTime() ?? Infinity) + 2 * leaseMs;
    await eventually(async () => {
      taken.push(...(await other.claim()));
      return database.now() > longAfter;
    }, soon);
    expect(taken).toEqual([]);
    expect((await get("a")).revision).toBe(first.revision);
    finish.resolve();
    await driven.processor.idle();
    expect(driven.eventsOf("a")).toEqual(["claimed", "succeeded"]);
  });

  it("a run that lost its lease is aborted, and its end is fenced", async () => {
    const started = signal();
    const finish = signal();
    const reason = signal<unknown>();
    const run = async (_: unknown, { signal: aborted }: { readonly signal: AbortSignal }) => {
      aborted.addEventListener("abort", () => reason.resolve(aborted.reason));
      started.resolve();
      await finish.promise;
      return { cursor: { page: 99 } };
    };
    const driven = drive(database.adapter(), run, { leaseMs: 600 });
    const { sync, get, claimOne } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.wake();
    await started.promise;
    await database.pass(601);
    const taken = await claimOne();
    expect(isSherdError(await reason.promise, "LEASE_LOST")).toBe(true);
    finish.resolve();
    await driven.processor.idle();
    expect(await get("a")).toEqual(taken);
    expect(driven.eventsOf("a")).toEqual(["claimed", "fenced"]);
    expect(driven.events.at(-1)).toMatchObject({ error: { code: "REVISION_CONFLICT" } });
  });

  it("a run whose subject was deleted is aborted, and its end is fenced", async () => {
    const started = signal();
    const run = async (_: unknown, { signal: aborted }: { readonly signal: AbortSignal }) => {
      started.resolve();
      await new Promise((_resolve, reject) =>
        aborted.addEventListener("abort", () => reject(aborted.reason as Error)),
      );
    };
    const driven = drive(database.adapter(), run, { leaseMs: 300 });
    await warehouse(driven.subjects).sync({ subjectKey: "a" });
    await driven.processor.wake();
    await started.promise;
    await driven.subjects.deleteSubject({ dispatcherId, subjectKey: "a" });
    await driven.processor.idle();
    expect(driven.events.at(-1)).toMatchObject({ type: "fenced", error: { code: "SUBJECT_NOT_FOUND" } });
  });

  it("a checkpoint after the lease was lost fails, and a handler that ignores that is fenced all the same", async () => {
    const started = signal();
    const finish = signal();
    const failure = signal<unknown>();
    const driven = drive(database.adapter(), async (_, ctx) => {
      started.resolve();
      await finish.promise;
      failure.resolve(await ctx.checkpoint({ cursor: { page: 2 } }).catch((error: unknown) => error));
      return { cursor: { page: 3 } };
    });
    const { sync, claimOne, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.wake();
    await started.promise;
    await database.pass(60_001);
    const taken = await claimOne();
    finish.resolve();
    expect(isSherdError(await failure.promise, "REVISION_CONFLICT")).toBe(true);
    await driven.processor.idle();
    expect(await get("a")).toEqual(taken);
    expect(driven.eventsOf("a")).toEqual(["claimed", "fenced"]);
  });

  it("a checkpoint commits at once: who takes over goes on from there, and hears how often it was taken over", async () => {
    const seen: unknown[] = [];
    const hang = signal();
    const driven = drive(database.adapter(), async (subject, ctx) => {
      seen.push(subject.cursor);
      if (subject.consecutiveTimeouts > 0) return;
      expect(await ctx.checkpoint({ cursor: { page: 2 }, leaseMs: 1_000 })).toMatchObject({
        status: "running",
      });
      expect(ctx.subject.cursor).toEqual({ page: 2 });
      hang.resolve();
      await new Promise(() => {});
    });
    const { sync } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.wake();
    await hang.promise;
    await database.pass(hourMs);
    await driven.processor.wake();
    await eventually(() => driven.eventsOf("a").includes("succeeded"), soon);
    expect(seen).toEqual([{ page: 1 }, { page: 2 }]);
    expect(driven.eventsOf("a").toSorted()).toEqual([
      "checkpointed",
      "claimed",
      "claimed",
      "fenced",
      "succeeded",
    ]);
  });

  it("stop lets running handlers end until its deadline", async () => {
    const started = signal();
    const finish = signal();
    const run = async () => {
      started.resolve();
      await finish.promise;
    };
    const driven = drive(database.adapter(), run);
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    await driven.processor.wake();
    await started.promise;
    const stopped = driven.processor.stop({ deadlineMs: 10_000 });
    await sync({ subjectKey: "b" });
    expect(await driven.processor.wake()).toBe(0);
    finish.resolve();
    await stopped;
    expect([(await get("a")).status, (await get("b")).status]).toEqual(["succeeded", "idle"]);
  });

  it.each([
    ["that listens to its signal", true],
    ["that does not", false],
  ])("stop gives leases back without counting, from a handler %s", async (_, listens) => {
    const started = signal();
    const driven = drive(database.adapter(), async (_subject, ctx) => {
      await ctx.checkpoint({ cursor: { page: 2 } });
      started.resolve();
      await new Promise((_resolve, reject) => {
        if (listens) ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
      });
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.wake();
    await started.promise;
    await driven.processor.stop({ deadlineMs: 0 });
    expect(await get("a")).toMatchObject({
      status: "idle",
      cursor: { page: 2 },
      attempt: 0,
      failureCount: 0,
      consecutiveTimeouts: 0,
      leaseOwner: null,
    });
    expect(driven.eventsOf("a")).toEqual(["claimed", "checkpointed", "released"]);
    const other = warehouse(openSubjects(database.adapter(), { profile: driven.subjects.profile }));
    expect(await other.claimOne()).toMatchObject({ attempt: 1 });
  });

  it("processDue gives back what still runs at its deadline, and the processor goes on being usable", async () => {
    let hangs = true;
    const driven = drive(database.adapter(), async (_, { signal: aborted }) => {
      if (hangs) await new Promise((resolve) => aborted.addEventListener("abort", resolve));
      if (hangs) throw new Error("aborted");
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    expect(await driven.processor.processDue({ deadlineMs: 100 })).toMatchObject({ givenBack: 1, failed: 0 });
    expect(await get("a")).toMatchObject({ status: "idle", attempt: 0 });
    hangs = false;
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1, nextWakeAt: null });
  });

  it("processDue runs all that is due, however little of it at a time", async () => {
    let running = 0;
    let most = 0;
    const run = async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running -= 1;
    };
    const driven = drive(database.adapter(), run, { concurrency: 3 });
    await warehouse(driven.subjects).sync(
      ...Array.from({ length: 40 }, (_, index) => ({ subjectKey: `${index}` })),
    );
    expect(await driven.processor.processDue()).toMatchObject({
      completed: 40,
      failed: 0,
      givenBack: 0,
      other: 0,
    });
    expect(most).toBe(3);
  });

  it("recover takes back at once what an earlier process held, except its own", async () => {
    const started = signal();
    const finish = signal();
    const run = async (subject: { readonly subjectKey: string }) => {
      if (subject.subjectKey !== "mine") return;
      started.resolve();
      await finish.promise;
    };
    const driven = drive(database.adapter(), run);
    const calls = warehouse(driven.subjects);
    await calls.sync({ subjectKey: "leased" }, { subjectKey: "running" }, { subjectKey: "suspect" });
    for (const subject of await calls.claim()) {
      if (subject.subjectKey === "running") await driven.subjects.checkpointSubject(heldBy(subject));
    }
    await calls.sync({ subjectKey: "mine" });
    await driven.processor.wake();
    await started.promise;
    const recovered = await driven.processor.recover({ isLost: ({ name }) => name === "suspect" });
    expect(recovered.map(({ name, attempt }) => [name, attempt]).toSorted()).toEqual([
      ["leased", 1],
      ["running", 1],
      ["suspect", 1],
    ]);
    for (const key of ["leased", "running"]) {
      expect(await calls.get(key)).toMatchObject({ status: "idle", attempt: 0, leaseOwner: null });
    }
    // What may have ended its process counts as lost once its lease has expired.
    expect((await calls.get("suspect")).status).toBe("leased");
    expect((await calls.get("mine")).status).toBe("leased");
    finish.resolve();
    await driven.processor.idle();
    expect(driven.eventsOf("mine")).toEqual(["claimed", "succeeded"]);
  });
});
