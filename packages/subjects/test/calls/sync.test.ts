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

describe.each(bothDatabases)("syncSubjects, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("a missing subject is created idle and due now, unless nextDueAt says when", async () => {
    const { sync, claim } = warehouse(openSubjects(database.adapter()));
    const later = new Date(database.now() + dayMs);
    const synced = await sync(
      { subjectKey: "now", cursor: { page: 3 }, meta: { name: "N" } },
      { subjectKey: "later", nextDueAt: later },
      { subjectKey: "never", nextDueAt: null },
    );
    expect(synced).toMatchObject([
      { subjectKey: "now", status: "idle", cursor: { page: 3 }, meta: { name: "N" } },
      { subjectKey: "later", status: "idle", cursor: null, meta: null, nextDueAt: later },
      { subjectKey: "never", status: "idle", nextDueAt: null },
    ]);
    expect((await claim()).map(({ subjectKey }) => subjectKey)).toEqual(["now"]);
    await database.pass(dayMs + 1);
    expect((await claim()).map(({ subjectKey }) => subjectKey)).toContain("later");
  });

  it("of a known subject the present fields are refreshed, null clears, and omitted ones stay", async () => {
    const { sync } = warehouse(openSubjects(database.adapter()));
    const due = new Date(database.now() + dayMs);
    await sync({ subjectKey: "a", cursor: { page: 1 }, meta: { name: "A" }, nextDueAt: due });
    const [metaOnly] = await sync({ subjectKey: "a", meta: { name: "B" } });
    expect(metaOnly).toMatchObject({ cursor: { page: 1 }, meta: { name: "B" }, nextDueAt: due, revision: 1 });
    const [cursorOnly] = await sync({ subjectKey: "a", cursor: { page: 2 } });
    expect(cursorOnly).toMatchObject({ cursor: { page: 2 }, meta: { name: "B" }, nextDueAt: due });
    const sooner = new Date(database.now() + hourMs);
    const [dueOnly] = await sync({ subjectKey: "a", nextDueAt: sooner });
    expect(dueOnly).toMatchObject({ cursor: { page: 2 }, meta: { name: "B" }, nextDueAt: sooner });
    const [cleared] = await sync({ subjectKey: "a", cursor: null, meta: null, nextDueAt: null });
    expect(cleared).toMatchObject({ cursor: null, meta: null, nextDueAt: null, status: "idle", revision: 4 });
  });

  it("a draft with nothing but a key changes nothing of a known subject", async () => {
    const { sync, get } = warehouse(openSubjects(database.adapter()));
    const [before] = await sync({ subjectKey: "a", cursor: { page: 1 } });
    expect(await sync({ subjectKey: "a" })).toEqual([before]);
    expect(await get("a")).toEqual(before);
  });

  it("a sync makes a parked subject due again, and keeps how it was let go of", async () => {
    const { subjects, calls, held } = await claimed(database);
    await subjects.failSubject({ ...held, error: new Error("no"), nextDueAt: null });
    expect(await calls.claim()).toEqual([]);
    const [synced] = await calls.sync({ subjectKey: "a", nextDueAt: new Date(database.now() - 1) });
    expect(synced).toMatchObject({ status: "failed", failureCount: 1, lastError: { message: "no" } });
    expect(await calls.claimOne()).toMatchObject({ attempt: 2, failureCount: 1 });
  });

  it.each(["leased", "running"] as const)(
    "nothing of a known subject changes while it is %s",
    async (status) => {
      const { subjects, calls, subject } = await claimed(database);
      const active =
        status === "running"
          ? await subjects.checkpointSubject({ ...heldBy(subject), cursor: { page: 2 } })
          : subject;
      expect(active.status).toBe(status);
      const draft = { subjectKey: "a", cursor: { page: 99 }, meta: null, nextDueAt: null };
      expect(await calls.sync(draft)).toEqual([active]);
      expect(await calls.get("a")).toEqual(active);
      // Also when its lease has expired: it is still its holder's to complete.
      await database.pass(2 * hourMs);
      await calls.sync(draft);
      expect(await subjects.completeSubject(heldBy(active))).toMatchObject({ cursor: active.cursor });
    },
  );

  it("absent subjects are never deleted", async () => {
    const { sync, get } = warehouse(openSubjects(database.adapter()));
    const [a] = await sync({ subjectKey: "a" }, { subjectKey: "b" });
    await sync({ subjectKey: "b", cursor: { page: 2 } });
    await sync();
    expect(await get("a")).toEqual(a);
  });

  it("create-only makes what is missing, and leaves known subjects alone", async () => {
    const subjects = openSubjects(database.adapter());
    const { sync } = warehouse(subjects);
    const [known] = await sync({ subjectKey: "a", cursor: { page: 1 }, nextDueAt: null });
    const drafts = [
      { subjectKey: "a", cursor: { page: 2 }, meta: { name: "A" }, nextDueAt: new Date() },
      { subjectKey: "b", cursor: { page: 3 } },
    ];
    const synced = await subjects.syncSubjects({ dispatcherId, subjects: drafts, mode: "create-only" });
    expect(synced).toMatchObject([known, { subjectKey: "b", cursor: { page: 3 } }]);
  });

  it("a key twice in one call is an error, and then nothing is created", async () => {
    const subjects = openSubjects(database.adapter());
    const drafts = [{ subjectKey: "a" }, { subjectKey: "b" }, { subjectKey: "a" }];
    for (const mode of ["upsert", "create-only"] as const) {
      const call = subjects.syncSubjects({ dispatcherId, subjects: drafts, mode });
      expect((await refusal(call, "INVALID_REQUEST")).details).toMatchObject({ received: "a" });
    }
    expect((await subjects.listSubjects({ dispatcherId })).subjects).toEqual([]);
  });

  it("it answers in the order of the call, up to 10,000 at once", async () => {
    const subjects = openSubjects(database.adapter());
    const drafts = Array.from({ length: 10_000 }, (_, index) => ({
      subjectKey: `${(index * 7_919) % 10_000}`,
    }));
    const synced = await subjects.syncSubjects({ dispatcherId, subjects: drafts });
    expect(synced.map(({ subjectKey }) => subjectKey)).toEqual(drafts.map(({ subjectKey }) => subjectKey));
    const tooMany = [...drafts, { subjectKey: "one more" }];
    await refusal(subjects.syncSubjects({ dispatcherId, subjects: tooMany }), "INVALID_REQUEST");
  });
});
