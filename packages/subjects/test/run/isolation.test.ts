import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { bothDatabases, sharedDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { makeLedger } from "../ledger.ts";
import { freshProfile, openSubjects, warehouse } from "../use-subjects.ts";
import { dispatch, drive } from "./drive.ts";

const soon = { withinMs: 5_000 };

describe.each(bothDatabases)("subjects of a running pool, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("a subject that hangs and one that fails delay no other", async () => {
    const driven = drive(
      database.adapter(),
      async ({ subjectKey }) => {
        if (subjectKey === "hangs") await new Promise(() => {});
        if (subjectKey === "fails") throw new Error("no");
      },
      { concurrency: 2 },
    );
    const good = Array.from({ length: 20 }, (_, index) => ({ subjectKey: `good ${index}` }));
    const nextDueAt = new Date(database.now() - 1_000);
    const bad = [
      { subjectKey: "hangs", nextDueAt },
      { subjectKey: "fails", nextDueAt },
    ];
    await warehouse(driven.subjects).sync(...bad, ...good);
    await driven.processor.wake();
    const ended = () => driven.events.filter(({ type }) => type === "succeeded").length;
    await eventually(() => ended() === 20 && driven.processor.running === 1, soon);
    expect(driven.eventsOf("hangs")).toEqual(["claimed"]);
    expect(driven.eventsOf("fails")).toEqual(["claimed", "failed"]);
  });

  it("never more run at a time than the concurrency, also when wake-ups come at once", async () => {
    const gates = new Map<string, () => void>();
    let most = 0;
    const run = async ({ subjectKey }: { readonly subjectKey: string }) =>
      new Promise<void>((resolve) => {
        gates.set(subjectKey, resolve);
        most = Math.max(most, gates.size);
      });
    const driven = drive(database.adapter(), run, { concurrency: 4 });
    const keys = Array.from({ length: 12 }, (_, index) => ({ subjectKey: `${index}` }));
    await warehouse(driven.subjects).sync(...keys);
    await Promise.all(Array.from({ length: 10 }, () => driven.processor.wake()));
    for (let ended = 0; ended < 12; ended++) {
      const left = Math.min(4, 12 - ended);
      await eventually(() => gates.size === left && driven.processor.running === left, soon);
      const [key, open] = [...gates][0] ?? [];
      gates.delete(key ?? "");
      open?.();
    }
    await driven.processor.idle();
    expect(most).toBe(4);
    expect(driven.events.filter(({ type }) => type === "succeeded")).toHaveLength(12);
  });

  it("a subject is run by one of several processes at a time", async () => {
    const profile = freshProfile();
    const running = new Map<string, number>();
    let overlaps = 0;
    const run = async ({ subjectKey }: { readonly subjectKey: string }) => {
      const before = running.get(subjectKey) ?? 0;
      if (before > 0) overlaps += 1;
      running.set(subjectKey, before + 1);
      await new Promise(setImmediate);
      running.set(subjectKey, before);
    };
    const processes = Array.from({ length: 3 }, () => drive(database.adapter(), run, {}, { profile }));
    const keys = Array.from({ length: 60 }, (_, index) => ({ subjectKey: `${index}` }));
    await warehouse(openSubjects(database.adapter(), { profile })).sync(...keys);
    await Promise.all(processes.map(({ processor }) => processor.processDue()));
    const ends = processes.flatMap(({ events }) => events.filter(({ type }) => type === "succeeded"));
    expect({ ends: ends.length, overlaps }).toEqual({ ends: 60, overlaps: 0 });
  });
});

describe.each([...new Set([...bothDatabases, ...sharedDatabases])])("without polling, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  /** When runs began, on this process's clock. */
  function driveAndDispatch(answer: () => { readonly nextDueAt?: Date } = () => ({})) {
    const starts: number[] = [];
    const driven = drive(database.adapter(), async () => {
      starts.push(Date.now());
      return answer();
    });
    return { ...driven, starts, begin: () => dispatch(driven) };
  }

  it("a subject that is synced runs at once, and one that is due later on time", async () => {
    const { subjects, starts, begin } = driveAndDispatch();
    await begin();
    const { sync } = warehouse(subjects);
    const syncedAt = Date.now();
    await sync({ subjectKey: "now" });
    await eventually(() => starts.length === 1, soon);
    expect((starts[0] ?? Infinity) - syncedAt).toBeLessThan(2_000);
    const dueAt = Date.now() + 700;
    await sync({ subjectKey: "later", nextDueAt: new Date(dueAt) });
    await eventually(() => starts.length === 2, soon);
    expect((starts[1] ?? 0) - dueAt).toBeGreaterThanOrEqual(-2);
    expect((starts[1] ?? Infinity) - dueAt).toBeLessThan(2_000);
  });

  it("a subject whose handler says when runs again on time", async () => {
    let dueAt = 0;
    const { subjects, starts, begin } = driveAndDispatch(() => {
      if (dueAt > 0) return {};
      dueAt = Date.now() + 700;
      return { nextDueAt: new Date(dueAt) };
    });
    await begin();
    await warehouse(subjects).sync({ subjectKey: "a" });
    await eventually(() => starts.length === 2, soon);
    expect((starts[1] ?? 0) - dueAt).toBeGreaterThanOrEqual(-2);
    expect((starts[1] ?? Infinity) - dueAt).toBeLessThan(2_000);
  });

  it("a subject that another process makes due runs on time", async () => {
    const { subjects, starts, begin } = driveAndDispatch();
    await begin();
    const other = openSubjects(database.adapter(), { profile: subjects.profile });
    const { sync } = warehouse(other);
    await sync({ subjectKey: "a", nextDueAt: null });
    const dueAt = Date.now() + 500;
    await other.transaction(async (tx) => {
      const drafts = [{ subjectKey: "a", nextDueAt: new Date(dueAt) }];
      await tx.syncSubjects({ dispatcherId: "warehouse", subjects: drafts });
    });
    await eventually(() => starts.length === 1, soon);
    expect((starts[0] ?? Infinity) - dueAt).toBeLessThan(2_000);
  });

  it("a subject that a fragment's unit of work makes due runs when that commits, and not when it rolls back", async () => {
    const { subjects, starts, begin } = driveAndDispatch();
    await begin();
    const ledger = await makeLedger(database.adapter());
    const other = openSubjects(ledger.databaseAdapter, { profile: subjects.profile });
    const sync = (subjectKey: string, fails: boolean) =>
      ledger.transaction(async (uow) => {
        await warehouse(other.within(uow)).sync({ subjectKey });
        if (fails) throw new Error("roll back");
      });
    await expect(sync("rolled back", true)).rejects.toThrow("roll back");
    await sync("committed", false);
    await eventually(() => starts.length === 1, soon);
    await eventually(async () => (await warehouse(subjects).get("committed")).status === "succeeded", soon);
    expect(starts).toHaveLength(1);
  });

  it("rounds of discovery begin on time", async () => {
    const rounds: number[] = [];
    const third = signal();
    const discover = async () => {
      if (rounds.push(Date.now()) === 3) third.resolve();
      return [{ subjectKey: "a" }];
    };
    const driven = drive(database.adapter(), async () => {}, { discover, every: 300 });
    await dispatch(driven);
    await third.promise;
    await eventually(() => driven.events.filter(({ type }) => type === "succeeded").length >= 3, soon);
    const [first = 0, , last = Infinity] = rounds;
    expect(last - first).toBeGreaterThanOrEqual(400);
    expect(last - first).toBeLessThan(5_000);
  });
});
