import { isSherdError, migrate } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bothDatabases, useDatabase, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { createSubjects, pool } from "../../src/index.ts";
import {
  claimed,
  dispatcherId,
  freshProfile,
  heldBy,
  hourMs,
  openSubjects,
  pools,
  refusal,
} from "../use-subjects.ts";

const revision = 1;
const subjectKey = "a";
const error = new Error("no");
/** A good request of each call, without its dispatcher id. */
const requests = {
  syncSubjects: { subjects: [{ subjectKey: "new" }] },
  claimDueSubjects: { leaseMs: hourMs },
  checkpointSubject: { subjectKey, revision },
  completeSubject: { subjectKey, revision },
  completeSubjects: { subjects: [{ subjectKey, revision }] },
  failSubject: { subjectKey, revision, error },
  failSubjects: { subjects: [{ subjectKey, revision, error }] },
  releaseSubject: { subjectKey, revision },
  getSubject: { subjectKey },
  listSubjects: {},
  deleteSubject: { subjectKey },
};
type Call = keyof typeof requests;
const names = Object.keys(requests) as Call[];
type Any = Readonly<Record<Call, (request: unknown) => Promise<unknown>>>;

describe.each(bothDatabases)("what is asked, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  /** A subject that is claimed, and proof that it stays as it is. */
  async function guarded() {
    const { subjects, calls, subject } = await claimed(database);
    return {
      subjects: subjects as unknown as Any,
      unchanged: async () => {
        expect((await subjects.listSubjects({ dispatcherId })).subjects).toEqual([subject]);
        expect(await calls.claim()).toEqual([]);
      },
    };
  }

  it.each(names)(
    "%s of an unknown dispatcher id is INVALID_REQUEST, which names those that there are",
    async (name) => {
      const { subjects, unchanged } = await guarded();
      for (const unknown of ["warehous", "", "toString", undefined, null, 5]) {
        const refused = await refusal(
          subjects[name]({ ...requests[name], dispatcherId: unknown }),
          "INVALID_REQUEST",
        );
        expect(refused.details.field).toBe("dispatcherId");
        expect(refused.message).toContain("warehouse, tenant");
      }
      await unchanged();
    },
  );

  it.each(names)(
    "%s with a field that it does not know is INVALID_REQUEST, and says what it takes",
    async (name) => {
      const { subjects, unchanged } = await guarded();
      const request = { ...requests[name], dispatcherId, profile: "other" };
      const refused = await refusal(subjects[name](request), "INVALID_REQUEST");
      expect(refused.details).toMatchObject({ call: name, field: "profile", received: "other" });
      for (const field of ["dispatcherId", ...Object.keys(requests[name])])
        expect(refused.message).toContain(field);
      await unchanged();
    },
  );

  it.each(names)("%s of nothing is INVALID_REQUEST", async (name) => {
    const { subjects } = await guarded();
    for (const nothing of [undefined, null, "a"]) await refusal(subjects[name](nothing), "INVALID_REQUEST");
  });

  it.each([
    ["syncSubjects", { subjects: [{ subjectKey: "new", cursr: 1 }] }],
    ["completeSubjects", { subjects: [{ subjectKey, revision, error }] }],
    ["failSubjects", { subjects: [{ subjectKey, revision, error, leaseMs: 5 }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "new" }], mode: "replace" }],
    ["syncSubjects", { subjects: "new" }],
    ["syncSubjects", { subjects: [{ subjectKey: "new", nextDueAt: new Date(Number.NaN) }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "new", nextDueAt: 5 }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "new", nextDueAt: new Date(-8.64e15) }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "new", cursor: { page: 1n } }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "new", meta: { name: () => "A" } }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "" }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "x".repeat(501) }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "a\0" }] }],
    ["syncSubjects", { subjects: [{ subjectKey: "\ud800" }] }],
    ["checkpointSubject", { subjectKey, revision, leaseMs: 0 }],
    ["checkpointSubject", { subjectKey, revision, cursor: new Map() }],
    ["checkpointSubject", { subjectKey }],
    ["completeSubject", { subjectKey, revision: "1" }],
    ["completeSubject", { subjectKey, revision: 2 ** 31 }],
    ["completeSubject", { subjectKey, revision, nextDueAt: "tomorrow" }],
    ["failSubject", { subjectKey, revision }],
    ["failSubject", { subjectKey, revision, error: "no" }],
    ["failSubject", { subjectKey, revision, error: { code: "X" } }],
    ["failSubject", { subjectKey, revision, error: { message: "no", code: 5 } }],
    ["failSubject", { subjectKey, revision, error: { message: "no", retryable: "yes" } }],
    ["failSubject", { subjectKey, revision, error, retryAfterMs: -1 }],
    ["failSubject", { subjectKey, revision, error, retryAfterMs: Infinity }],
    ["releaseSubject", { subjectKey: 5, revision }],
    ["listSubjects", { limit: 0 }],
    ["listSubjects", { limit: 1_001 }],
    ["listSubjects", { status: "active" }],
    ["listSubjects", { cursor: 5 }],
    ["listSubjects", { cursor: "a\0" }],
    ["getSubject", { subjectKey: "a\0" }],
  ] as const)("%s of %o is INVALID_REQUEST, and nothing changes", async (name, request) => {
    const { subjects, unchanged } = await guarded();
    await refusal(subjects[name]({ dispatcherId, ...request }), "INVALID_REQUEST");
    await unchanged();
  });

  it("cursor and meta are limited in bytes, and the error says how many are allowed and what to do", async () => {
    const { subjects, held } = await claimed(database);
    const fits = { page: 1, text: "é".repeat((65_536 - '{"page":1,"text":""}'.length) / 2) };
    expect(await subjects.checkpointSubject({ ...held, cursor: fits })).toMatchObject({ cursor: fits });
    const tooLarge = { ...fits, text: `${fits.text}x` };
    const call = subjects.checkpointSubject({ ...held, revision: held.revision + 1, cursor: tooLarge });
    const refused = await refusal(call, "INVALID_REQUEST");
    expect(refused.details.field).toBe("cursor");
    expect(refused.message).toMatch(/at most 65536 bytes.*is 65537/);
    const meta = { name: "x".repeat(65_536) };
    const sync = subjects.syncSubjects({ dispatcherId, subjects: [{ subjectKey: "b", meta }] });
    expect((await refusal(sync, "INVALID_REQUEST")).details.field).toBe("meta");
    expect(await subjects.getSubject({ dispatcherId, subjectKey: "b" })).toBeNull();
  });

  it("a pool's own limits and schemas hold for every call that writes a cursor or meta, and null is always fine", async () => {
    const checked = {
      account: pool({
        cursor: z.object({ page: z.number().int().max(9) }).nullable(),
        meta: z.object({ name: z.string() }).nullable(),
        maxCursorBytes: 12,
        maxMetaBytes: 20,
      }),
    };
    const subjects = createSubjects({
      databaseAdapter: database.adapter(),
      profile: freshProfile(),
      pools: checked,
    });
    const account = { dispatcherId: "account" } as const;
    const bads = [
      { cursor: { page: 10 } },
      { cursor: { page: "1" } as never },
      { meta: { name: 5 } as never },
    ];
    const larges = [{ cursor: { page: 1, more: "x" } }, { meta: { name: "x".repeat(20) } }];
    for (const bad of [...bads, ...larges]) {
      const sync = subjects.syncSubjects({ ...account, subjects: [{ subjectKey: "a", ...bad }] });
      await refusal(sync, "INVALID_REQUEST");
    }
    await subjects.syncSubjects({
      ...account,
      subjects: [{ subjectKey: "a", cursor: { page: 9 }, meta: null }],
    });
    const [taken] = await subjects.claimDueSubjects({ ...account, leaseMs: hourMs });
    const held = { ...account, subjectKey: "a", revision: taken?.revision ?? 0 };
    for (const bad of [...bads, ...larges]) {
      await refusal(subjects.checkpointSubject({ ...held, ...bad }), "INVALID_REQUEST");
      await refusal(subjects.completeSubject({ ...held, ...bad }), "INVALID_REQUEST");
      await refusal(subjects.failSubject({ ...held, ...bad, error }), "INVALID_REQUEST");
    }
    expect(await subjects.getSubject({ ...account, subjectKey: "a" })).toEqual(taken);
    const done = await subjects.completeSubject({ ...held, cursor: null, meta: { name: "A" } });
    expect(done).toMatchObject({ cursor: null, meta: { name: "A" } });
  });

  it("a cursor comes back as it was written, whatever text is in it", async () => {
    const { subjects, held } = await claimed(database);
    const texts = ["", "\0", "\ud800", "\u2028", '"\\', "é😀", "null"];
    const cursor = { page: -0.5, texts, deep: [[{ a: null }]], __proto__: { x: 1 } };
    const kept = JSON.parse(JSON.stringify(cursor)) as unknown;
    const running = await subjects.checkpointSubject({ ...held, cursor: kept as { page: number } });
    expect(running.cursor).toEqual(kept);
    expect((await subjects.completeSubject(heldBy(running))).cursor).toEqual(kept);
  });
});

describe.each(bothDatabases)("what is asked of an empty database, on %s", (kind) => {
  const database = useDatabase(kind);

  it("is NOT_MIGRATED, which says how to migrate without a fragment, and works as soon as that is done", async () => {
    const adapter = database.adapter();
    const subjects = openSubjects(adapter);
    const refused = await refusal(subjects.listSubjects({ dispatcherId }), "NOT_MIGRATED");
    expect(refused.message).toContain("await migrate(databaseAdapter)");
    await migrate(adapter);
    expect(await subjects.listSubjects({ dispatcherId })).toEqual({ subjects: [], cursor: null });
  });
});

describe("createSubjects", () => {
  const databaseAdapter = {} as never;

  it.each([
    {},
    { pools: {} },
    { pools: { a: {} } },
    { pools: { "": pool() } },
    { profile: "" },
    { profile: "a/b" },
    { profile: "x".repeat(101) },
    { owner: "" },
    { onEvent: "log" },
    { onError: 5 },
    { lease: 5 },
  ])("with %o is INVALID_OPTION", (options) => {
    const adapter =
      Object.keys(options).length === 0 ? databaseAdapter : ({ pull: {}, migrator: {} } as never);
    const make = () => createSubjects({ databaseAdapter: adapter, pools, ...(options as object) });
    expect(make).toThrow(expect.toSatisfy((thrown) => isSherdError(thrown, "INVALID_OPTION")) as Error);
  });
});
