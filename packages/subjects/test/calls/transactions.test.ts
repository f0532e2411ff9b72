import { isSherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { useApplication } from "../../../../tooling/application.ts";
import { bothDatabases } from "../../../../tooling/databases.ts";
import type { SubjectCalls } from "../../src/index.ts";
import { makeLedger } from "../ledger.ts";
import {
  dispatcherId,
  freshProfile,
  heldBy,
  hourMs,
  openSubjects,
  pools,
  refusal,
  warehouse,
  type WarehouseSubject,
} from "../use-subjects.ts";

const rollBack = new Error("roll back");
type Calls = SubjectCalls<typeof pools>;

/** Every call, on the keys that `prepare` has made. Answers what it leaves behind. */
async function callAll(calls: Calls): Promise<void> {
  await calls.syncSubjects({
    dispatcherId,
    subjects: [{ subjectKey: "new", cursor: { page: 1 }, nextDueAt: null }],
  });
  const taken = await calls.claimDueSubjects({ dispatcherId, leaseMs: hourMs, limit: 1_000 });
  const held = new Map(taken.map((subject) => [subject.subjectKey, heldBy(subject)]));
  const of = (key: string) => held.get(key) ?? { dispatcherId, subjectKey: key, revision: -1 };
  const named = (key: string) => ({ subjectKey: key, revision: of(key).revision });
  await calls.checkpointSubject({ ...of("a"), cursor: { page: 10 } });
  await calls.completeSubject({ ...of("b"), cursor: { page: 20 } });
  await calls.failSubject({ ...of("c"), error: new Error("no"), cursor: { page: 30 } });
  await calls.releaseSubject(of("d"));
  await calls.completeSubjects({ dispatcherId, subjects: [{ ...named("e"), cursor: { page: 50 } }] });
  await calls.failSubjects({ dispatcherId, subjects: [{ ...named("f"), error: new Error("no") }] });
  await calls.deleteSubject({ dispatcherId, subjectKey: "g" });
  // A transaction sees what it has done.
  expect(await calls.getSubject({ dispatcherId, subjectKey: "a" })).toMatchObject({ status: "running" });
  expect(await statusesOf(calls)).toEqual(after);
}

const before = { a: "idle", b: "idle", c: "idle", d: "idle", e: "idle", f: "idle", g: "idle" };
const after = {
  a: "running",
  b: "succeeded",
  c: "failed",
  d: "idle",
  e: "succeeded",
  f: "failed",
  new: "idle",
};

async function statusesOf(calls: Calls): Promise<Record<string, string>> {
  const { subjects } = await calls.listSubjects({ dispatcherId });
  return Object.fromEntries(subjects.map(({ subjectKey, status }) => [subjectKey, status]));
}

describe.each(bothDatabases)("calls in a transaction, on %s", (kind) => {
  const application = useApplication(kind, { connections: 1 });

  /** Subjects `a` to `g`, made by somebody else: the first call of `subjects` itself is still to come. */
  async function prepare() {
    const profile = freshProfile();
    await warehouse(openSubjects(application.adapter, { profile })).sync(
      ...Object.keys(before).map((subjectKey) => ({ subjectKey })),
    );
    return openSubjects(application.adapter, { profile });
  }

  it("within a drizzle transaction of the caller's, all calls commit together with its rows", async () => {
    const subjects = await prepare();
    const note = freshProfile();
    await application.transaction(async (tx, addOrder) => {
      await addOrder(note);
      await callAll(subjects.within(tx));
    });
    expect(await statusesOf(subjects)).toEqual(after);
    expect(await application.orders()).toContain(note);
  });

  it("within a drizzle transaction that rolls back, none of them has happened", async () => {
    const subjects = await prepare();
    const note = freshProfile();
    const rolledBack = application.transaction(async (tx, addOrder) => {
      await callAll(subjects.within(tx));
      await addOrder(note);
      throw rollBack;
    });
    await expect(rolledBack).rejects.toBe(rollBack);
    expect(await statusesOf(subjects)).toEqual(before);
    expect(await application.orders()).not.toContain(note);
    expect(await warehouse(subjects).claim()).toHaveLength(7);
  });

  it("within a fragment's unit of work, all calls commit together with its rows", async () => {
    const subjects = await prepare();
    const ledger = await makeLedger(application.adapter);
    await ledger.transaction(async (uow) => {
      await uow.services.note("page 10");
      await callAll(subjects.within(uow));
    });
    expect(await statusesOf(subjects)).toEqual(after);
    expect(await ledger.services.notes()).toEqual(["page 10"]);
  });

  it("within a fragment's unit of work that rolls back, none of them has happened", async () => {
    const subjects = await prepare();
    const ledger = await makeLedger(application.adapter);
    const rolledBack = ledger.transaction(async (uow) => {
      await callAll(subjects.within(uow));
      await uow.services.note("page 10");
      throw rollBack;
    });
    await expect(rolledBack).rejects.toBe(rollBack);
    expect(await statusesOf(subjects)).toEqual(before);
    expect(await ledger.services.notes()).toEqual([]);
  });

  it("subjects.transaction commits all calls together with what is written to its db", async () => {
    const subjects = await prepare();
    const ledger = await makeLedger(application.adapter);
    const answer = await subjects.transaction(async (tx) => {
      await tx.db.insert(ledger.tables.row).values({ note: "page 10" });
      await callAll(tx);
      return "answer";
    });
    expect(answer).toBe("answer");
    expect(await statusesOf(subjects)).toEqual(after);
    expect(await ledger.services.notes()).toEqual(["page 10"]);
  });

  it("subjects.transaction rolls all of it back when its work throws", async () => {
    const subjects = await prepare();
    const ledger = await makeLedger(application.adapter);
    const rolledBack = subjects.transaction(async (tx) => {
      await callAll(tx);
      await tx.db.insert(ledger.tables.row).values({ note: "page 10" });
      throw rollBack;
    });
    await expect(rolledBack).rejects.toBe(rollBack);
    expect(await statusesOf(subjects)).toEqual(before);
    expect(await ledger.services.notes()).toEqual([]);
  });

  it("a cursor and the data that it stands for roll back together when the fence refuses the cursor", async () => {
    const subjects = await prepare();
    const ledger = await makeLedger(application.adapter);
    const [taken] = (await warehouse(subjects).claim(1)) as [WarehouseSubject];
    const held = { ...heldBy(taken), revision: taken.revision - 1 };
    const fenced = subjects.transaction(async (tx) => {
      await tx.db.insert(ledger.tables.row).values({ note: "page 2" });
      await tx.checkpointSubject({ ...held, cursor: { page: 2 } });
    });
    await refusal(fenced, "REVISION_CONFLICT");
    expect(await ledger.services.notes()).toEqual([]);
    expect(await warehouse(subjects).get(taken.subjectKey)).toEqual(taken);
  });

  it("a refusal inside a transaction does not end it: what comes after it commits", async () => {
    const subjects = await prepare();
    await subjects.transaction(async (tx) => {
      await refusal(tx.releaseSubject({ dispatcherId, subjectKey: "a", revision: 0 }), "NOT_LEASED");
      await tx.deleteSubject({ dispatcherId, subjectKey: "a" });
    });
    expect(await statusesOf(subjects)).not.toHaveProperty("a");
  });

  it("what is no transaction is refused", () => {
    const subjects = openSubjects(application.adapter);
    expect(() => subjects.within({})).toThrow(expect.toSatisfy((error) => isSherdError(error)) as Error);
  });
});
