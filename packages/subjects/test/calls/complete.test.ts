import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import {
  claimed,
  dayMs,
  dispatcherId,
  heldBy,
  hourMs,
  openSubjects,
  refusal,
  warehouse,
} from "../use-subjects.ts";

describe.each(bothDatabases)("completeSubject, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("the subject has succeeded, its counters are reset, its lease is cleared", async () => {
    const { subjects, calls, held } = await claimed(database);
    await subjects.failSubject({ ...held, error: new Error("no"), retryAfterMs: 0 });
    await calls.claimOne(1_000);
    await database.pass(1_001);
    const taken = await calls.claimOne();
    expect(taken).toMatchObject({ attempt: 3, failureCount: 1, consecutiveTimeouts: 1 });
    const before = database.now();
    const done = await subjects.completeSubject({
      ...heldBy(taken),
      cursor: { page: 2 },
      meta: { name: "B" },
    });
    expect(done).toMatchObject({
      status: "succeeded",
      cursor: { page: 2 },
      meta: { name: "B" },
      attempt: 0,
      failureCount: 0,
      consecutiveTimeouts: 0,
      lastError: null,
      leaseOwner: null,
      leaseExpiresAt: null,
      revision: taken.revision + 1,
    });
    expect(done.lastFinishedAt).toEqual(done.lastSuccessAt);
    expect(Math.abs((done.lastSuccessAt?.getTime() ?? 0) - before)).toBeLessThan(5_000);
    expect(await calls.get("a")).toEqual(done);
  });

  it("what is absent stays, and null clears", async () => {
    const { subjects, calls, held, subject } = await claimed(database);
    const kept = await subjects.completeSubject({ ...held, nextDueAt: new Date(database.now() - 1) });
    expect(kept).toMatchObject({ cursor: subject.cursor, meta: subject.meta });
    const again = await calls.claimOne();
    const cleared = await subjects.completeSubject({ ...heldBy(again), cursor: null, meta: null });
    expect(cleared).toMatchObject({ cursor: null, meta: null });
  });

  it("with nextDueAt it is due then, and a subject is never finished", async () => {
    const { subjects, calls, held } = await claimed(database);
    const nextDueAt = new Date(database.now() + dayMs);
    expect(await subjects.completeSubject({ ...held, nextDueAt })).toMatchObject({ nextDueAt });
    expect(await calls.claim()).toEqual([]);
    await database.pass(dayMs + 1);
    expect(await calls.claimOne()).toMatchObject({ attempt: 1, subjectKey: "a" });
  });

  it.each([undefined, null])(
    "with nextDueAt %s it is not due until a sync supplies one",
    async (nextDueAt) => {
      const { subjects, calls, held } = await claimed(database);
      const done = await subjects.completeSubject({
        ...held,
        ...(nextDueAt === undefined ? {} : { nextDueAt }),
      });
      expect(done.nextDueAt).toBeNull();
      await database.pass(365 * dayMs);
      await calls.sync({ subjectKey: "a", meta: { name: "B" } });
      expect(await calls.claim()).toEqual([]);
      await calls.sync({ subjectKey: "a", nextDueAt: new Date(database.now() - 1) });
      expect(await calls.claimOne()).toMatchObject({ meta: { name: "B" } });
    },
  );

  it("a late complete whose revision still matches is accepted: the revision is the fence", async () => {
    const { subjects, held } = await claimed(database, 1_000);
    await database.pass(dayMs);
    const done = await subjects.completeSubject({ ...held, cursor: { page: 2 } });
    expect(done).toMatchObject({ status: "succeeded", cursor: { page: 2 }, consecutiveTimeouts: 0 });
  });

  it("a batch answers each subject in order: one refusal harms no other", async () => {
    const subjects = openSubjects(database.adapter());
    const calls = warehouse(subjects);
    await calls.sync(
      { subjectKey: "a" },
      { subjectKey: "b" },
      { subjectKey: "c" },
      { subjectKey: "idle", nextDueAt: null },
    );
    const of = await calls.claimByKey();
    const b = of("b");
    const due = new Date(database.now() + hourMs);
    const results = await subjects.completeSubjects({
      dispatcherId,
      subjects: [
        { subjectKey: "c", revision: of("c").revision, cursor: { page: 3 }, nextDueAt: due },
        { subjectKey: "b", revision: b.revision - 1 },
        { subjectKey: "missing", revision: 1 },
        { subjectKey: "idle", revision: 0 },
        { subjectKey: "a", revision: of("a").revision },
      ],
    });
    expect(results).toMatchObject([
      { subjectKey: "c", ok: true, subject: { status: "succeeded", cursor: { page: 3 }, nextDueAt: due } },
      {
        subjectKey: "b",
        ok: false,
        error: { code: "REVISION_CONFLICT", details: { currentRevision: b.revision } },
      },
      { subjectKey: "missing", ok: false, error: { code: "SUBJECT_NOT_FOUND" } },
      { subjectKey: "idle", ok: false, error: { code: "NOT_LEASED", details: { currentRevision: 0 } } },
      { subjectKey: "a", ok: true, subject: { status: "succeeded", nextDueAt: null } },
    ]);
    expect(await calls.get("b")).toEqual(b);
  });

  it("a batch that is not what it should be changes nothing of any", async () => {
    const subjects = openSubjects(database.adapter());
    const calls = warehouse(subjects);
    await calls.sync({ subjectKey: "a" }, { subjectKey: "b" });
    const of = await calls.claimByKey();
    const good = { subjectKey: "a", revision: of("a").revision };
    for (const bad of [good, { ...good, subjectKey: "b", nextDueAt: new Date(Number.NaN) }, null as never]) {
      const call = subjects.completeSubjects({ dispatcherId, subjects: [good, bad] });
      await refusal(call, "INVALID_REQUEST");
    }
    expect([await calls.get("a"), await calls.get("b")]).toEqual([of("a"), of("b")]);
    expect(await subjects.completeSubjects({ dispatcherId, subjects: [] })).toEqual([]);
  });
});
