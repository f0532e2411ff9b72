import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { freshProfile, heldBy, hourMs, openSubjects, refusal, warehouse } from "../use-subjects.ts";

describe.each(bothDatabases)("who a subject is, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("a subject is named by profile, dispatcher id and key: what differs in one is another subject", async () => {
    const one = openSubjects(database.adapter());
    const other = openSubjects(database.adapter());
    const subjects = [{ subjectKey: "a" }];
    await one.syncSubjects({
      dispatcherId: "warehouse",
      subjects: [{ subjectKey: "a", cursor: { page: 1 } }],
    });
    await one.syncSubjects({ dispatcherId: "tenant", subjects: [{ subjectKey: "a", cursor: { page: 2 } }] });
    await other.syncSubjects({ dispatcherId: "warehouse", subjects });
    await one.claimDueSubjects({ dispatcherId: "warehouse", leaseMs: hourMs });
    expect(await one.getSubject({ dispatcherId: "warehouse", subjectKey: "a" })).toMatchObject({
      dispatcherId: "warehouse",
      subjectKey: "a",
      cursor: { page: 1 },
      status: "leased",
    });
    expect(await one.getSubject({ dispatcherId: "tenant", subjectKey: "a" })).toMatchObject({
      dispatcherId: "tenant",
      cursor: { page: 2 },
      status: "idle",
    });
    expect(await other.getSubject({ dispatcherId: "warehouse", subjectKey: "a" })).toMatchObject({
      cursor: null,
      status: "idle",
    });
  });

  it("profiles never see each other: no call of one finds, claims, changes or deletes a subject of another", async () => {
    const mine = openSubjects(database.adapter(), { owner: "same" });
    const other = openSubjects(database.adapter(), { owner: "same" });
    const calls = warehouse(mine);
    await calls.sync({ subjectKey: "a" });
    const subject = await calls.claimOne();
    const held = heldBy(subject);
    expect(await warehouse(other).claim()).toEqual([]);
    expect(await other.getSubject({ dispatcherId: "warehouse", subjectKey: "a" })).toBeNull();
    expect(await other.listSubjects({ dispatcherId: "warehouse" })).toEqual({ subjects: [], cursor: null });
    expect(await other.deleteSubject({ dispatcherId: "warehouse", subjectKey: "a" })).toBe(false);
    await refusal(other.checkpointSubject({ ...held, cursor: { page: 2 } }), "SUBJECT_NOT_FOUND");
    await refusal(other.completeSubject(held), "SUBJECT_NOT_FOUND");
    await refusal(other.failSubject({ ...held, error: new Error("no") }), "SUBJECT_NOT_FOUND");
    await refusal(other.releaseSubject(held), "SUBJECT_NOT_FOUND");
    await warehouse(other).sync({ subjectKey: "a", cursor: { page: 9 } });
    expect(await calls.get("a")).toEqual(subject);
  });

  it("no profile is a prefix of another's: a name that looks like one does not reach it", async () => {
    const profile = freshProfile();
    const one = openSubjects(database.adapter(), { profile });
    const longer = openSubjects(database.adapter(), { profile: `${profile} warehouse` });
    await warehouse(one).sync({ subjectKey: "a" });
    expect(await warehouse(longer).claim()).toEqual([]);
    expect(() => openSubjects(database.adapter(), { profile: `${profile}/warehouse` })).toThrow("slash");
  });

  it("the lease owner comes from the process: two of them show in what each has claimed", async () => {
    const profile = freshProfile();
    const one = openSubjects(database.adapter(), { profile, owner: "process 1" });
    const two = openSubjects(database.adapter(), { profile, owner: "process 2" });
    const at = (ms: number) => new Date(database.now() - ms);
    await warehouse(one).sync(
      { subjectKey: "a", nextDueAt: at(2_000) },
      { subjectKey: "b", nextDueAt: at(1_000) },
    );
    const [a] = await warehouse(one).claim(1);
    const [b] = await warehouse(two).claim(1);
    expect([a, b]).toMatchObject([
      { subjectKey: "a", leaseOwner: "process 1" },
      { subjectKey: "b", leaseOwner: "process 2" },
    ]);
  });

  it("every call answers the whole state, and nothing else", async () => {
    const subjects = openSubjects(database.adapter());
    const calls = warehouse(subjects);
    const before = database.now();
    const [synced] = await calls.sync({ subjectKey: "a", cursor: { page: 1 }, meta: { name: "A" } });
    const created = synced?.createdAt ?? new Date(0);
    expect(synced).toEqual({
      dispatcherId: "warehouse",
      subjectKey: "a",
      status: "idle",
      cursor: { page: 1 },
      meta: { name: "A" },
      nextDueAt: created,
      leaseOwner: null,
      leaseExpiresAt: null,
      attempt: 0,
      failureCount: 0,
      consecutiveTimeouts: 0,
      lastError: null,
      lastStartedAt: null,
      lastFinishedAt: null,
      lastSuccessAt: null,
      revision: 0,
      createdAt: created,
      updatedAt: created,
    });
    expect(Math.abs(created.getTime() - before)).toBeLessThan(5_000);
    const fields = Object.keys(synced ?? {}).toSorted();
    const taken = await calls.claimOne();
    const running = await subjects.checkpointSubject(heldBy(taken));
    const failed = await subjects.failSubject({
      ...heldBy(running),
      error: { message: "no" },
      retryAfterMs: 0,
    });
    const again = await calls.claimOne();
    const released = await subjects.releaseSubject(heldBy(again));
    const done = await subjects.completeSubject(heldBy(await calls.claimOne()));
    const listed = await subjects.listSubjects({ dispatcherId: "warehouse" });
    const answers = [taken, running, failed, again, released, done, await calls.get("a"), ...listed.subjects];
    for (const answer of answers) expect(Object.keys(answer).toSorted()).toEqual(fields);
    expect(answers.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 7, 7, 7]);
  });
});
