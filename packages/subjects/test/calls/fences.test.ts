import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import {
  claimed,
  dispatcherId,
  heldBy,
  hourMs,
  openSubjects,
  refusal,
  type TestSubjects,
  warehouse,
} from "../use-subjects.ts";

type Held = ReturnType<typeof heldBy>;

/** Every call of a holder, trying to change something. */
const calls: Readonly<Record<string, (subjects: TestSubjects, held: Held) => Promise<unknown>>> = {
  checkpointSubject: (subjects, held) =>
    subjects.checkpointSubject({ ...held, cursor: { page: 99 }, meta: null, leaseMs: 5 * hourMs }),
  completeSubject: (subjects, held) =>
    subjects.completeSubject({ ...held, cursor: { page: 99 }, nextDueAt: new Date() }),
  failSubject: (subjects, held) => subjects.failSubject({ ...held, cursor: null, error: new Error("no") }),
  "failSubject with a hint": (subjects, held) =>
    subjects.failSubject({ ...held, error: new Error("no"), retryAfterMs: 0 }),
  releaseSubject: (subjects, held) => subjects.releaseSubject(held),
};
const names = Object.keys(calls);
const make = (name: string, subjects: TestSubjects, held: Held) =>
  calls[name]?.(subjects, held) ?? Promise.reject();

describe.each(bothDatabases)("the fence, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it.each(names)(
    "a takeover fences the old holder: %s changes nothing and fails with REVISION_CONFLICT",
    async (name) => {
      const { subjects, calls: on, held } = await claimed(database, 1_000);
      await database.pass(1_001);
      const taken = await on.claimOne();
      const error = await refusal(make(name, subjects, held), "REVISION_CONFLICT");
      expect(error.details).toEqual({
        dispatcherId,
        subjectKey: "a",
        revision: held.revision,
        currentRevision: taken.revision,
      });
      expect(await on.get("a")).toEqual(taken);
      expect(await subjects.completeSubject(heldBy(taken))).toMatchObject({ status: "succeeded" });
    },
  );

  it.each(names)(
    "a call that the same holder made is not made twice: %s at the revision before is refused",
    async (name) => {
      const { subjects, calls: on, held } = await claimed(database);
      const running = await subjects.checkpointSubject(held);
      await refusal(make(name, subjects, held), "REVISION_CONFLICT");
      expect(await on.get("a")).toEqual(running);
    },
  );

  it.each(names)("a revision from the future is refused as well, by %s", async (name) => {
    const { subjects, calls: on, subject, held } = await claimed(database);
    await refusal(make(name, subjects, { ...held, revision: held.revision + 1 }), "REVISION_CONFLICT");
    expect(await on.get("a")).toEqual(subject);
  });

  it.each(names)("what nobody holds is NOT_LEASED, with its revision, for %s", async (name) => {
    const subjects = openSubjects(database.adapter());
    const on = warehouse(subjects);
    const [idle] = await on.sync({ subjectKey: "a" });
    const error = await refusal(
      make(name, subjects, { dispatcherId, subjectKey: "a", revision: 0 }),
      "NOT_LEASED",
    );
    expect(error.details).toEqual({ dispatcherId, subjectKey: "a", currentRevision: 0, status: "idle" });
    expect(await on.get("a")).toEqual(idle);
  });

  it.each(names)("what was let go of at the current revision is NOT_LEASED for %s", async (name) => {
    const { subjects, held } = await claimed(database);
    const done = await subjects.completeSubject(held);
    const error = await refusal(make(name, subjects, heldBy(done)), "NOT_LEASED");
    expect(error.details).toMatchObject({ currentRevision: done.revision, status: "succeeded" });
  });

  it.each(names)("what is not there is SUBJECT_NOT_FOUND for %s, also after it was deleted", async (name) => {
    const { subjects, held } = await claimed(database);
    const missing = await refusal(make(name, subjects, { ...held, subjectKey: "b" }), "SUBJECT_NOT_FOUND");
    expect(missing.details).toEqual({ dispatcherId, subjectKey: "b" });
    await subjects.deleteSubject({ dispatcherId, subjectKey: "a" });
    await refusal(make(name, subjects, held), "SUBJECT_NOT_FOUND");
    expect(await subjects.getSubject({ dispatcherId, subjectKey: "a" })).toBeNull();
  });

  it("another owner of the profile holds nothing by its name: the revision is what counts", async () => {
    const { subjects, subject } = await claimed(database);
    const other = openSubjects(database.adapter(), { profile: subjects.profile, owner: "other" });
    expect(await other.completeSubject(heldBy(subject))).toMatchObject({ status: "succeeded" });
  });

  it("every success bumps the revision by one, and no refusal does", async () => {
    const { subjects, calls: on, held, subject } = await claimed(database);
    const running = await subjects.checkpointSubject(held);
    await refusal(subjects.releaseSubject(held), "REVISION_CONFLICT");
    const again = await subjects.checkpointSubject(heldBy(running));
    const released = await subjects.releaseSubject(heldBy(again));
    const [synced] = await on.sync({ subjectKey: "a", cursor: { page: 5 } });
    const taken = await on.claimOne();
    const failed = await subjects.failSubject({ ...heldBy(taken), error: new Error("no") });
    const from = subject.revision;
    const revisions = [subject, running, again, released, synced, taken, failed].map((one) => one?.revision);
    expect(revisions).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => from + n));
  });

  it.each(names)(
    "a holder of a subject that was deleted is no holder of the one synced anew: %s is refused",
    async (name) => {
      const subjects = openSubjects(database.adapter(), { random: Math.random });
      const on = warehouse(subjects);
      await on.sync({ subjectKey: "a" });
      const deleted = await on.claimOne();
      await subjects.deleteSubject({ dispatcherId, subjectKey: "a" });
      await on.sync({ subjectKey: "a" });
      const anew = await on.claimOne();
      await refusal(make(name, subjects, heldBy(deleted)), "REVISION_CONFLICT");
      expect(await on.get("a")).toEqual(anew);
    },
  );
});
