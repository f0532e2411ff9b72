import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { claimed, dispatcherId, heldBy, hourMs, openSubjects, refusal, warehouse } from "../use-subjects.ts";

describe.each(bothDatabases)("claimDueSubjects, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("a due subject becomes leased, with a new revision, one attempt more and a lease", async () => {
    const { sync, claimOne, get } = warehouse(openSubjects(database.adapter(), { owner: "me" }));
    const [idle] = await sync({ subjectKey: "a", cursor: { page: 1 } });
    const taken = await claimOne();
    expect(taken).toMatchObject({
      status: "leased",
      revision: (idle?.revision ?? 0) + 1,
      attempt: 1,
      leaseOwner: "me",
      consecutiveTimeouts: 0,
      cursor: { page: 1 },
      nextDueAt: idle?.nextDueAt,
    });
    const leftMs = (taken.leaseExpiresAt?.getTime() ?? 0) - (taken.lastStartedAt?.getTime() ?? 0);
    expect(Math.abs(leftMs - hourMs)).toBeLessThan(5_000);
    expect(await get("a")).toEqual(taken);
  });

  it("neither what is not due, nor what is leased, nor what is parked is claimed", async () => {
    const { sync, claim } = warehouse(openSubjects(database.adapter()));
    await sync(
      { subjectKey: "due" },
      { subjectKey: "later", nextDueAt: new Date(database.now() + hourMs) },
      { subjectKey: "never", nextDueAt: null },
    );
    expect((await claim()).map(({ subjectKey }) => subjectKey)).toEqual(["due"]);
    expect(await claim()).toEqual([]);
  });

  it("the oldest due comes first, whatever its key and whenever it was made", async () => {
    const { sync, claim } = warehouse(openSubjects(database.adapter()));
    const at = (ms: number) => new Date(database.now() - ms);
    await sync({ subjectKey: "a", nextDueAt: at(1_000) }, { subjectKey: "b", nextDueAt: at(3_000) });
    await sync({ subjectKey: "c", nextDueAt: at(2_000) });
    expect((await claim(2)).map(({ subjectKey }) => subjectKey)).toEqual(["b", "c"]);
    expect((await claim(2)).map(({ subjectKey }) => subjectKey)).toEqual(["a"]);
  });

  it("the limit is 10 unless given, and from 1 to 1,000", async () => {
    const subjects = openSubjects(database.adapter());
    await subjects.syncSubjects({
      dispatcherId,
      subjects: Array.from({ length: 1_020 }, (_, index) => ({ subjectKey: `${index}` })),
    });
    expect(await subjects.claimDueSubjects({ dispatcherId, leaseMs: hourMs })).toHaveLength(10);
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
      const call = subjects.claimDueSubjects({ dispatcherId, leaseMs: hourMs, limit });
      expect((await refusal(call, "INVALID_REQUEST")).details.field).toBe("limit");
    }
    expect(await subjects.claimDueSubjects({ dispatcherId, leaseMs: hourMs, limit: 1 })).toHaveLength(1);
    expect(await subjects.claimDueSubjects({ dispatcherId, leaseMs: hourMs, limit: 1_000 })).toHaveLength(
      1_000,
    );
  });

  it("a lease lasts from a millisecond to seven days", async () => {
    const subjects = openSubjects(database.adapter());
    for (const leaseMs of [0, -5, 0.5, 604_800_001, Infinity]) {
      const call = subjects.claimDueSubjects({ dispatcherId, leaseMs });
      expect((await refusal(call, "INVALID_REQUEST")).details.field).toBe("leaseMs");
    }
  });

  it("a lease that has expired is taken over: a new revision, an attempt and a timeout more", async () => {
    const { calls, subject } = await claimed(database, 1_000);
    expect(await calls.claim()).toEqual([]);
    await database.pass(1_001);
    const second = await calls.claimOne(1_000);
    expect(second).toMatchObject({ status: "leased", attempt: 2, consecutiveTimeouts: 1, failureCount: 0 });
    expect(second.revision).toBe(subject.revision + 1);
    expect(second.cursor).toEqual(subject.cursor);
    await database.pass(1_001);
    expect(await calls.claimOne(1_000)).toMatchObject({ attempt: 3, consecutiveTimeouts: 2 });
  });

  it("what is taken over has its place among what is due: the oldest due time first", async () => {
    const { sync, claim } = warehouse(openSubjects(database.adapter()));
    const at = (ms: number) => new Date(database.now() - ms);
    await sync({ subjectKey: "lost", nextDueAt: at(2_000) });
    await claim(1, 1);
    await database.pass(2);
    await sync({ subjectKey: "older", nextDueAt: at(9_000) }, { subjectKey: "newer", nextDueAt: at(0) });
    expect((await claim()).map(({ subjectKey }) => subjectKey)).toEqual(["older", "lost", "newer"]);
  });

  it("a claim of a subject that failed counts its attempts and failures on", async () => {
    const { subjects, calls, held } = await claimed(database);
    await subjects.failSubject({ ...held, error: new Error("no"), retryAfterMs: 0 });
    const second = await calls.claimOne();
    expect(second).toMatchObject({ attempt: 2, failureCount: 1, consecutiveTimeouts: 0 });
    await subjects.completeSubject({ ...heldBy(second), nextDueAt: new Date(database.now() - 1) });
    expect(await calls.claimOne()).toMatchObject({ attempt: 1, failureCount: 0 });
  });
});
