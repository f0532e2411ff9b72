import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { claimed, heldBy, hourMs, refusal } from "../use-subjects.ts";

describe.each(bothDatabases)("checkpointSubject, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("it persists cursor and meta, and the subject is running, with a new revision", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    const running = await subjects.checkpointSubject({ ...held, cursor: { page: 2 }, meta: { name: "B" } });
    expect(running).toMatchObject({
      status: "running",
      cursor: { page: 2 },
      meta: { name: "B" },
      revision: subject.revision + 1,
      attempt: 1,
      leaseOwner: "owner",
      nextDueAt: subject.nextDueAt,
      lastFinishedAt: null,
    });
    expect(await calls.get("a")).toEqual(running);
  });

  it("what is absent stays, and null clears", async () => {
    const { subjects, held, subject } = await claimed(database);
    const kept = await subjects.checkpointSubject(held);
    expect(kept).toMatchObject({ cursor: subject.cursor, meta: subject.meta, status: "running" });
    const cleared = await subjects.checkpointSubject({ ...heldBy(kept), cursor: null });
    expect(cleared).toMatchObject({ cursor: null, meta: subject.meta });
    expect(await subjects.checkpointSubject({ ...heldBy(cleared), meta: null })).toMatchObject({
      meta: null,
    });
  });

  it("it extends the lease only when leaseMs is given, and then from now on", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    await database.pass(hourMs / 2);
    const before = (await calls.get("a")).leaseExpiresAt;
    const kept = await subjects.checkpointSubject({ ...held, cursor: { page: 2 } });
    expect(kept.leaseExpiresAt).toEqual(before);
    const extended = await subjects.checkpointSubject({
      ...heldBy(subject),
      revision: kept.revision,
      leaseMs: 2 * hourMs,
    });
    const leftMs = (extended.leaseExpiresAt?.getTime() ?? 0) - database.now();
    expect(Math.abs(leftMs - 2 * hourMs)).toBeLessThan(5_000);
    const shortened = await subjects.checkpointSubject({ ...heldBy(extended), leaseMs: 1_000 });
    expect((shortened.leaseExpiresAt?.getTime() ?? 0) - database.now()).toBeLessThan(6_000);
  });

  it("it resets consecutiveTimeouts, and nothing else that is counted", async () => {
    const { subjects, calls, held } = await claimed(database, 1_000);
    await subjects.failSubject({ ...held, error: new Error("no"), retryAfterMs: 0 });
    await calls.claimOne(1_000);
    await database.pass(1_001);
    const taken = await calls.claimOne();
    expect(taken).toMatchObject({ consecutiveTimeouts: 1, failureCount: 1, attempt: 3 });
    expect(await subjects.checkpointSubject(heldBy(taken))).toMatchObject({
      consecutiveTimeouts: 0,
      failureCount: 1,
      attempt: 3,
      lastError: { message: "no" },
    });
  });

  it("it takes a live lease: after that has expired nothing changes, and LEASE_EXPIRED names the revision", async () => {
    const { subjects, calls, subject, held } = await claimed(database, 1_000);
    await database.pass(1_001);
    const before = await calls.get("a");
    const call = subjects.checkpointSubject({ ...held, cursor: { page: 2 }, leaseMs: hourMs });
    expect((await refusal(call, "LEASE_EXPIRED")).details).toEqual({
      dispatcherId: "warehouse",
      subjectKey: "a",
      currentRevision: subject.revision,
    });
    expect(await calls.get("a")).toEqual(before);
  });

  it("every checkpoint carries the latest revision: the one before it is refused", async () => {
    const { subjects, calls, held } = await claimed(database);
    const running = await subjects.checkpointSubject({ ...held, cursor: { page: 2 } });
    const call = subjects.checkpointSubject({ ...held, cursor: { page: 3 } });
    expect((await refusal(call, "REVISION_CONFLICT")).details).toMatchObject({
      revision: held.revision,
      currentRevision: running.revision,
    });
    expect(await calls.get("a")).toEqual(running);
  });
});
