import { describe, expect, it } from "vitest";
import { bothDatabases, sharedDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import {
  claimed,
  dispatcherId,
  freshProfile,
  heldBy,
  hourMs,
  openSubjects,
  warehouse,
} from "../use-subjects.ts";

describe.each([...new Set([...bothDatabases, ...sharedDatabases])])("callers at once, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("eight claimers at once get disjoint sets of 1,000 subjects, and together all of them", async () => {
    const profile = freshProfile();
    const claimers = Array.from({ length: 8 }, (_, index) =>
      openSubjects(database.adapter(), { profile, owner: `claimer ${index}` }),
    );
    const keys = Array.from({ length: 1_000 }, (_, index) => `key ${index}`);
    await claimers[0]?.syncSubjects({ dispatcherId, subjects: keys.map((subjectKey) => ({ subjectKey })) });
    const claims = await Promise.all(
      claimers.map(async (claimer) => {
        const mine: string[] = [];
        for (;;) {
          const batch = await claimer.claimDueSubjects({ dispatcherId, leaseMs: hourMs, limit: 13 });
          if (batch.length === 0) return mine;
          mine.push(...batch.map(({ subjectKey }) => subjectKey));
        }
      }),
    );
    expect(claims.flat()).toHaveLength(1_000);
    expect(claims.flat().toSorted()).toEqual(keys.toSorted());
    expect(claims.filter(({ length }) => length > 0).length).toBeGreaterThan(1);
  });

  it("of eight that take over at once, one gets the subject", async () => {
    const { subjects } = await claimed(database, 1_000);
    await database.pass(1_001);
    const others = Array.from({ length: 8 }, () =>
      openSubjects(database.adapter(), { profile: subjects.profile }),
    );
    const claims = await Promise.all(others.map((other) => warehouse(other).claim()));
    expect(claims.flat()).toMatchObject([{ subjectKey: "a", consecutiveTimeouts: 1, attempt: 2 }]);
  });

  it("of calls that come at once with one revision, one is accepted", async () => {
    const { subjects, calls, held } = await claimed(database);
    const other = openSubjects(database.adapter(), { profile: subjects.profile });
    const error = new Error("no");
    const answers = await Promise.allSettled([
      subjects.checkpointSubject({ ...held, cursor: { page: 2 } }),
      other.completeSubject({ ...held, cursor: { page: 3 } }),
      subjects.failSubject({ ...held, cursor: { page: 4 }, error, retryAfterMs: 0 }),
      other.releaseSubject(held),
    ]);
    const accepted = answers.filter(({ status }) => status === "fulfilled");
    expect(accepted).toHaveLength(1);
    expect(await calls.get("a")).toEqual((accepted[0] as PromiseFulfilledResult<unknown>).value);
  });

  it("a sync at the same time as a holder's work leaves the holder's cursor alone", async () => {
    const { subjects, calls, held } = await claimed(database);
    const other = warehouse(openSubjects(database.adapter(), { profile: subjects.profile }));
    const sync = () => other.sync({ subjectKey: "a", cursor: { page: 99 }, nextDueAt: null });
    const [running] = await Promise.all([
      subjects.checkpointSubject({ ...held, cursor: { page: 2 } }),
      ...Array.from({ length: 10 }, sync),
    ]);
    expect(await calls.get("a")).toEqual(running);
    expect(await subjects.completeSubject(heldBy(running))).toMatchObject({ cursor: { page: 2 } });
  });

  it("syncs of the same keys at once make each subject once", async () => {
    const profile = freshProfile();
    const keys = Array.from({ length: 50 }, (_, index) => ({ subjectKey: `key ${index}` }));
    const syncs = Array.from({ length: 4 }, (_, index) => {
      const subjects = openSubjects(database.adapter(), { profile });
      return warehouse(subjects).sync(...(index % 2 === 0 ? keys : keys.toReversed()));
    });
    await Promise.all(syncs);
    expect(await warehouse(openSubjects(database.adapter(), { profile })).claim(1_000)).toHaveLength(50);
  });
});
