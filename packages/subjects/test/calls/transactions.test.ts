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
  type TestSubjects,
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

  interface Way {
    transaction(
      work: (calls: Calls, note: (text: string) => Promise<unknown>) => Promise<void>,
    ): Promise<void>;
    notes(): Promise<readonly string[]>;
  }

  /** Where the calls and the rows of their caller are in one transaction. */
  const ways: readonly (readonly [string, (subjects: TestSubjects) => Promise<Way>])[] = [
    [
      "a drizzle transaction of the caller's",
      async (subjects) => ({
        transaction: (work) => application.transaction((tx, addOrder) => work(subjects.within(tx), addOrder)),
        notes: () => application.orders(),
      }),
    ],
    [
      "a fragment's unit of work",
      async (subjects) => {
        const { transaction, services } = await makeLedger(application.adapter);
        return {
          transaction: (work) => transaction((uow) => work(subjects.within(uow), uow.services.note)),
          notes: () => services.notes(),
        };
      },
    ],
    [
      "subjects.transaction",
      async (subjects) => {
        const { tables, services } = await makeLedger(application.adapter);
        return {
          transaction: (work) =>
            subjects.transaction((tx) => work(tx, async (note) => tx.db.insert(tables.row).values({ note }))),
          notes: () => services.notes(),
        };
      },
    ],
  ];

  it.each(ways)("in %s, all calls commit together with its rows", async (_, open) => {
    const subjects = await prepare();
    const { transaction, notes } = await open(subjects);
    const earlier = await notes();
    await transaction(async (calls, note) => {
      await note("page 10");
      await callAll(calls);
    });
    expect(await statusesOf(subjects)).toEqual(after);
    expect(await notes()).toEqual([...earlier, "page 10"]);
  });

  it.each(ways)("in %s that rolls back, none of them has happened", async (_, open) => {
    const subjects = await prepare();
    const { transaction, notes } = await open(subjects);
    const earlier = await notes();
    const rolledBack = transaction(async (calls, note) => {
      await callAll(calls);
      await note("page 10");
      throw rollBack;
    });
    await expect(rolledBack).rejects.toBe(rollBack);
    expect(await statusesOf(subjects)).toEqual(before);
    expect(await notes()).toEqual(earlier);
    expect(await warehouse(subjects).claim()).toHaveLength(7);
  });

  it("subjects.transaction answers what its work does", async () => {
    expect(await openSubjects(application.adapter).transaction(async () => "answer")).toBe("answer");
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
