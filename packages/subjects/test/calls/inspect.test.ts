import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { claimed, dispatcherId, heldBy, hourMs, openSubjects, warehouse } from "../use-subjects.ts";

describe.each(bothDatabases)("looking at subjects, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("listSubjects pages through all of them by key, each once", async () => {
    const subjects = openSubjects(database.adapter());
    const keys = Array.from({ length: 25 }, (_, index) => `key ${String(index).padStart(2, "0")}`);
    await warehouse(subjects).sync(...keys.toReversed().map((subjectKey) => ({ subjectKey })));
    await subjects.syncSubjects({ dispatcherId: "tenant", subjects: [{ subjectKey: "key 00" }] });
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof subjects.listSubjects>> = await subjects.listSubjects({
        dispatcherId,
        limit: 10,
        cursor,
      });
      pages.push(page.subjects.map(({ subjectKey }) => subjectKey));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(pages.flat()).toEqual(keys);
  });

  it("a last page that is full says that it is the last", async () => {
    const subjects = openSubjects(database.adapter());
    await warehouse(subjects).sync({ subjectKey: "a" }, { subjectKey: "b" });
    expect(await subjects.listSubjects({ dispatcherId, limit: 2 })).toMatchObject({ cursor: null });
    expect(await subjects.listSubjects({ dispatcherId, limit: 1 })).toMatchObject({ cursor: "a" });
  });

  it("it lists 50 unless told, and up to 1,000", async () => {
    const subjects = openSubjects(database.adapter());
    await warehouse(subjects).sync(
      ...Array.from({ length: 1_001 }, (_, index) => ({ subjectKey: `${index}` })),
    );
    expect((await subjects.listSubjects({ dispatcherId })).subjects).toHaveLength(50);
    const most = await subjects.listSubjects({ dispatcherId, limit: 1_000 });
    expect(most.subjects).toHaveLength(1_000);
    expect(most.cursor).not.toBeNull();
  });

  it("with a status it lists only subjects of that", async () => {
    const subjects = openSubjects(database.adapter());
    const { sync, claimByKey } = warehouse(subjects);
    const names = ["leased", "running", "succeeded", "failed"];
    await sync({ subjectKey: "idle", nextDueAt: null }, ...names.map((subjectKey) => ({ subjectKey })));
    const of = await claimByKey();
    await subjects.checkpointSubject(heldBy(of("running")));
    await subjects.completeSubject(heldBy(of("succeeded")));
    await subjects.failSubject({ ...heldBy(of("failed")), error: new Error("no") });
    for (const status of ["idle", "leased", "running", "succeeded", "failed"] as const) {
      const page = await subjects.listSubjects({ dispatcherId, status });
      expect(page.subjects.map(({ subjectKey, status: is }) => [subjectKey, is])).toEqual([[status, status]]);
    }
  });

  it("getSubject answers one, and null where there is none", async () => {
    const { subjects, subject } = await claimed(database);
    expect(await subjects.getSubject({ dispatcherId, subjectKey: "a" })).toEqual(subject);
    expect(await subjects.getSubject({ dispatcherId, subjectKey: "b" })).toBeNull();
  });

  it("deleteSubject deletes one, also one that is held, and tells whether there was one", async () => {
    const { subjects, calls } = await claimed(database, 1_000);
    await calls.sync({ subjectKey: "b" });
    expect(await subjects.deleteSubject({ dispatcherId, subjectKey: "a" })).toBe(true);
    expect(await subjects.deleteSubject({ dispatcherId, subjectKey: "a" })).toBe(false);
    await database.pass(hourMs);
    expect((await calls.claim()).map(({ subjectKey }) => subjectKey)).toEqual(["b"]);
    const [again] = await calls.sync({ subjectKey: "a" });
    expect(again).toMatchObject({ status: "idle", attempt: 0, cursor: null, leaseOwner: null });
  });
});
