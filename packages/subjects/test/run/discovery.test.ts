import { type DatabaseAdapter, isSherdError, noRetry } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { createSubjects, pool, type SubjectDraft } from "../../src/index.ts";
import {
  type Cursor,
  dayMs,
  dispatcherId,
  freshProfile,
  heldBy,
  hourMs,
  type Meta,
  warehouse,
} from "../use-subjects.ts";
import { drive } from "./drive.ts";

type Draft = SubjectDraft<Cursor, Meta>;
const soon = { withinMs: 5_000 };
const every = hourMs;

describe.each(bothDatabases)("discovery, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("it makes new subjects with their cursor, and refreshes only the meta of known ones", async () => {
    let found: readonly Draft[] = [{ subjectKey: "a", cursor: { page: 1 }, meta: { name: "A" } }];
    const run = async ({ cursor }: { readonly cursor: Cursor | null }) => ({
      cursor: { page: (cursor?.page ?? 0) + 1 },
    });
    const driven = drive(database.adapter(), run, { discover: async () => found, every });
    const { get } = warehouse(driven.subjects);
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await get("a")).toMatchObject({ cursor: { page: 2 }, meta: { name: "A" }, nextDueAt: null });
    found = [
      { subjectKey: "a", cursor: { page: 1 }, meta: { name: "B" } },
      { subjectKey: "b", cursor: { page: 7 } },
    ];
    await database.pass(every + 1);
    expect(await driven.processor.processDue()).toMatchObject({ completed: 2 });
    expect(await get("a")).toMatchObject({ cursor: { page: 3 }, meta: { name: "B" } });
    expect(await get("b")).toMatchObject({ cursor: { page: 8 }, meta: null });
    expect(driven.events.filter(({ type }) => type === "discovered")).toMatchObject([
      { subjects: 1 },
      { subjects: 2 },
    ]);
  });

  it("what is deleted during a round is not made again without its cursor and meta", async () => {
    const real = database.adapter();
    const known = signal();
    let isSecond = false;
    const pull: DatabaseAdapter["pull"] = {
      ...real.pull,
      async put(queue, drafts, refreshes, tx) {
        const items = await real.pull.put(queue, drafts, refreshes, tx);
        if (!isSecond || refreshes || items[0]?.key !== "a") return items;
        known.resolve();
        // Whoever waits for it sends its deletion now.
        await new Promise((resolve) => setImmediate(resolve));
        return items;
      },
    };
    const discover = async () => [{ subjectKey: "a", cursor: { page: 1 }, meta: { name: "A" } }];
    const driven = drive({ ...real, pull }, async () => {}, { discover, every });
    await driven.processor.processDue();
    await database.pass(every + 1);
    isSecond = true;
    const round = driven.processor.processDue();
    await known.promise;
    await driven.subjects.deleteSubject({ dispatcherId, subjectKey: "a" });
    await round;
    expect(await warehouse(driven.subjects).get("a")).toBeNull();
  });

  it("what it no longer tells of stays, and is not due", async () => {
    let found: readonly Draft[] = [{ subjectKey: "a" }, { subjectKey: "b" }];
    const driven = drive(database.adapter(), async () => {}, { discover: async () => found, every });
    await driven.processor.processDue();
    found = [{ subjectKey: "b" }];
    await database.pass(every + 1);
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await warehouse(driven.subjects).get("a")).toMatchObject({ status: "succeeded", nextDueAt: null });
  });

  it("it is asked once a round, and every subject runs once a round", async () => {
    let rounds = 0;
    const discover = async () => {
      rounds += 1;
      return [{ subjectKey: "a" }, { subjectKey: "b" }];
    };
    const driven = drive(database.adapter(), async () => {}, { discover, every });
    for (let round = 1; round <= 3; round++) {
      expect(await driven.processor.processDue()).toMatchObject({ completed: 2 });
      expect(await driven.processor.processDue()).toMatchObject({ completed: 0 });
      expect(rounds).toBe(round);
      await database.pass(every + 1);
    }
  });

  it("one process discovers a round, whichever comes first", async () => {
    const profile = freshProfile();
    let rounds = 0;
    const discover = async () => {
      rounds += 1;
      return [{ subjectKey: "a" }];
    };
    const processes = Array.from({ length: 4 }, () =>
      drive(database.adapter(), async () => {}, { discover, every }, { profile }),
    );
    for (let round = 1; round <= 2; round++) {
      await Promise.all(processes.map(({ processor }) => processor.processDue()));
      expect(rounds).toBe(round);
      await database.pass(every + 1);
    }
    const events = processes.flatMap((driven) => driven.events.map(({ type }) => type));
    expect(events.filter((type) => type === "succeeded")).toHaveLength(2);
  });

  it("another process goes on discovering when the one that did died", async () => {
    const profile = freshProfile();
    const started = signal();
    const never = async () => {
      started.resolve();
      return new Promise<Draft[]>(() => {});
    };
    const discover = async () => [{ subjectKey: "a" }];
    const dead = drive(database.adapter(), async () => {}, { discover: never, every }, { profile });
    await dead.processor.wake();
    await started.promise;
    const other = drive(database.adapter(), async () => {}, { discover, every }, { profile });
    expect(await other.processor.processDue()).toMatchObject({ completed: 0 });
    await database.pass(60_001);
    expect(await other.processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("heartbeats keep the round of a discovery that takes longer than a lease: nobody begins it as well", async () => {
    const profile = freshProfile();
    const started = signal();
    const finish = signal();
    let rounds = 0;
    const discover = async () => {
      rounds += 1;
      started.resolve();
      await finish.promise;
      return [{ subjectKey: "a" }];
    };
    const options = { discover, every, leaseMs: 300 };
    const driven = drive(database.adapter(), async () => {}, options, { profile });
    const other = drive(database.adapter(), async () => {}, options, { profile });
    await driven.processor.wake();
    await started.promise;
    const longAfter = database.now() + 1_000;
    await eventually(async () => {
      await other.processor.wake();
      return database.now() > longAfter;
    }, soon);
    finish.resolve();
    await driven.processor.idle();
    expect(rounds).toBe(1);
    expect(driven.eventsOf("a")).toEqual(["claimed", "succeeded"]);
  });

  it("it leaves alone what is active, and what waits for its retry or is parked", async () => {
    const found = ["active", "retry", "parked"].map((subjectKey) => ({ subjectKey, cursor: { page: 1 } }));
    const driven = drive(database.adapter(), async () => {}, { discover: async () => found, every });
    const { sync, claimByKey, get } = warehouse(driven.subjects);
    await sync(...found);
    const of = await claimByKey();
    const error = new Error("no");
    await driven.subjects.failSubject({ ...heldBy(of("retry")), error, retryAfterMs: dayMs });
    await driven.subjects.failSubject({ ...heldBy(of("parked")), error, nextDueAt: null });
    const before = await Promise.all(found.map(({ subjectKey }) => get(subjectKey)));
    expect(await driven.processor.processDue()).toMatchObject({ completed: 0 });
    expect(await Promise.all(found.map(({ subjectKey }) => get(subjectKey)))).toEqual(before);
  });

  it("a due time that a handler answered stands until it comes, however often there is a round", async () => {
    let runs = 0;
    const nextDueAt = new Date(database.now() + dayMs);
    const run = async () => {
      runs += 1;
      return { nextDueAt };
    };
    const driven = drive(database.adapter(), run, { discover: async () => [{ subjectKey: "a" }], every });
    await driven.processor.processDue();
    for (let round = 0; round < 3; round++) {
      await database.pass(every + 1);
      await driven.processor.processDue();
    }
    expect(runs).toBe(1);
  });

  it("every subject has its turn, also where a round is too short for all of them", async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
    const runs = new Set<string>();
    const run = async ({ subjectKey }: { readonly subjectKey: string }) => void runs.add(subjectKey);
    const discover = async () => keys.map((subjectKey) => ({ subjectKey }));
    const driven = drive(database.adapter(), run, { discover, every, concurrency: 5 });
    const { claim } = warehouse(driven.subjects);
    await driven.processor.processDue();
    runs.clear();
    for (let round = 0; round < 6; round++) {
      await database.pass(every + 1);
      await driven.processor.wake();
      await eventually(
        () => driven.events.filter(({ type }) => type === "discovered").length === round + 2,
        soon,
      );
      await driven.processor.idle();
    }
    expect([...runs].toSorted()).toEqual(keys.toSorted());
    expect(await claim()).toEqual([]);
  });

  it("a discovery that fails is told, delays no subject, and is tried again as a subject would be", async () => {
    let fails = true;
    const discover = async () => {
      if (fails) throw new Error("the registry is down");
      return [{ subjectKey: "new" }];
    };
    const driven = drive(
      database.adapter(),
      async () => {},
      { discover, every: dayMs },
      { random: () => 0.5 },
    );
    await warehouse(driven.subjects).sync({ subjectKey: "known" });
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(driven.errors).toMatchObject([{ during: "discover", error: { message: "the registry is down" } }]);
    fails = false;
    await database.pass(29_000);
    expect(await driven.processor.processDue()).toMatchObject({ completed: 0 });
    await database.pass(1_001);
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
  });

  it.each([
    ["a key twice", [{ subjectKey: "a" }, { subjectKey: "a" }]],
    ["a field that there is not", [{ subjectKey: "a", cursr: 1 }]],
    ["no list", "a" as never],
  ])("a discovery that answers %s has failed, and makes nothing", async (_, found) => {
    const discover = async () => found as readonly Draft[];
    const driven = drive(database.adapter(), async () => {}, { discover, every });
    expect(await driven.processor.processDue()).toMatchObject({ completed: 0 });
    expect(driven.errors.map(({ error }) => isSherdError(error, "INVALID_REQUEST"))).toEqual([true]);
    expect((await driven.subjects.listSubjects({ dispatcherId: "warehouse" })).subjects).toEqual([]);
  });

  it("a discovery that hangs delays no subject, and has failed after timeoutMs", async () => {
    const discover = () => new Promise<Draft[]>(() => {});
    const driven = drive(database.adapter(), async () => {}, { discover, every, timeoutMs: 200 });
    await warehouse(driven.subjects).sync({ subjectKey: "known" });
    await driven.processor.wake();
    await eventually(() => driven.eventsOf("known").includes("succeeded"), soon);
    expect(driven.errors).toEqual([]);
    await driven.processor.idle();
    expect(driven.errors.map(({ error }) => isSherdError(error, "SUBJECT_TIMEOUT"))).toEqual([true]);
  });

  it("a discovery that fails is asked again with the next round, also where failed subjects are parked", async () => {
    const parking = { warehouse: pool<Cursor, Meta>({ retry: noRetry() }) };
    let fails = true;
    const discover = async () => {
      if (fails) throw new Error("the registry is down");
      return [{ subjectKey: "new" }];
    };
    const subjects = createSubjects({
      databaseAdapter: database.adapter(),
      pools: parking,
      profile: freshProfile(),
    });
    const processor = subjects.runSubjects({ dispatcherId, discover, every, handle: async () => {} });
    await processor.processDue();
    fails = false;
    await database.pass(every + 1);
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    await processor.stop();
  });

  it("stop ends a discovery that is under way, and the next process begins it anew at once", async () => {
    const profile = freshProfile();
    const started = signal<AbortSignal>();
    const discover = async ({ signal: aborted }: { readonly signal: AbortSignal }) => {
      started.resolve(aborted);
      return new Promise<Draft[]>(() => {});
    };
    const driven = drive(database.adapter(), async () => {}, { discover, every }, { profile });
    await driven.processor.wake();
    const aborted = await started.promise;
    const idle = driven.processor.idle();
    await driven.processor.stop();
    await idle;
    expect(isSherdError(aborted.reason, "INTERRUPTED")).toBe(true);
    const found = async () => [{ subjectKey: "a" }];
    const other = drive(database.adapter(), async () => {}, { discover: found, every }, { profile });
    expect(await other.processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("more subjects than fit in one batch are all made", async () => {
    const found = Array.from({ length: 2_500 }, (_, index) => ({ subjectKey: `${index}`, nextDueAt: null }));
    const driven = drive(database.adapter(), async () => {}, { discover: async () => found, every });
    await driven.processor.processDue();
    let count = 0;
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof driven.subjects.listSubjects>> =
        await driven.subjects.listSubjects({
          dispatcherId: "warehouse",
          limit: 1_000,
          cursor,
        });
      count += page.subjects.length;
      cursor = page.cursor;
    } while (cursor !== null);
    expect(count).toBe(2_500);
  });
});
