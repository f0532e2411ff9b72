import type { Database, DatabaseAdapter, DurableHooksProcessor, SherdError } from "@sherd/core";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { createSubjects } from "./subjects.ts";
import { pool } from "./pool.ts";
import type { Subject } from "./subject.ts";

declare const databaseAdapter: DatabaseAdapter;

interface Page {
  readonly page: number;
}
interface Name {
  readonly name: string;
}

const subjects = createSubjects({
  databaseAdapter,
  pools: {
    warehouse: pool<Page, Name>(),
    tenant: pool({ cursor: z.object({ since: z.string() }) }),
    untyped: pool(),
  },
});
const warehouse = { dispatcherId: "warehouse" } as const;
const held = { ...warehouse, subjectKey: "a", revision: 1 };
const error = new Error("no");

// Cursor and meta are typed by dispatcher id, in what is answered and in what is given.

const [claimed] = await subjects.claimDueSubjects({ ...warehouse, leaseMs: 1_000 });
expectTypeOf(claimed).toEqualTypeOf<Subject<Page, Name> | undefined>();
expectTypeOf(claimed?.cursor).toEqualTypeOf<Page | null | undefined>();
const tenant = await subjects.getSubject({ dispatcherId: "tenant", subjectKey: "a" });
expectTypeOf(tenant?.cursor).toEqualTypeOf<{ since: string } | null | undefined>();
expectTypeOf(tenant?.meta).toEqualTypeOf<unknown>();
const listed = await subjects.listSubjects({ dispatcherId: "untyped" });
expectTypeOf(listed.subjects[0]?.cursor).toEqualTypeOf<unknown>();

await subjects.syncSubjects({
  ...warehouse,
  subjects: [{ subjectKey: "a", cursor: { page: 1 }, meta: null }],
});
// @ts-expect-error The cursor of another pool.
await subjects.syncSubjects({ ...warehouse, subjects: [{ subjectKey: "a", cursor: { since: "" } }] });
// @ts-expect-error The meta has a name.
await subjects.syncSubjects({ ...warehouse, subjects: [{ subjectKey: "a", meta: {} }] });
// @ts-expect-error A draft has a key.
await subjects.syncSubjects({ ...warehouse, subjects: [{ cursor: { page: 1 } }] });
// @ts-expect-error There is no such mode.
await subjects.syncSubjects({ ...warehouse, subjects: [], mode: "replace" });
// @ts-expect-error There is no such pool.
await subjects.syncSubjects({ dispatcherId: "shop", subjects: [] });
// @ts-expect-error A claim has a lease.
await subjects.claimDueSubjects(warehouse);
// @ts-expect-error The profile is not passed in a call.
await subjects.claimDueSubjects({ ...warehouse, leaseMs: 1_000, profile: "other" });
// @ts-expect-error Nor is the owner.
await subjects.claimDueSubjects({ ...warehouse, leaseMs: 1_000, owner: "me" });
// @ts-expect-error A due time is a Date.
await subjects.completeSubject({ ...held, nextDueAt: 5 });

await subjects.checkpointSubject({ ...held, cursor: { page: 2 }, leaseMs: 1_000 });
// @ts-expect-error A page is a number.
await subjects.checkpointSubject({ ...held, cursor: { page: "2" } });
// @ts-expect-error A holder's call carries its revision.
await subjects.checkpointSubject({ ...warehouse, subjectKey: "a" });
// @ts-expect-error A checkpoint says nothing of when it is due.
await subjects.checkpointSubject({ ...held, nextDueAt: null });
// @ts-expect-error The cursor of another pool.
await subjects.completeSubject({ ...held, dispatcherId: "tenant", cursor: { page: 2 } });

await subjects.failSubject({ ...held, error, retryAfterMs: 5 });
await subjects.failSubject({
  ...held,
  error: { message: "no", code: "X", retryable: false },
  nextDueAt: null,
});
// @ts-expect-error A failure has an error.
await subjects.failSubject(held);
// @ts-expect-error An error has a message.
await subjects.failSubject({ ...held, error: { code: "X" } });
// @ts-expect-error A release changes nothing else.
await subjects.releaseSubject({ ...held, cursor: { page: 2 } });

const [result] = await subjects.completeSubjects({
  ...warehouse,
  subjects: [{ subjectKey: "a", revision: 1, cursor: { page: 2 } }],
});
if (result?.ok === true) expectTypeOf(result.subject).toEqualTypeOf<Subject<Page, Name>>();
if (result?.ok === false) expectTypeOf(result.error).toEqualTypeOf<SherdError>();
// @ts-expect-error It is not known to have been accepted.
void result?.subject;
// @ts-expect-error The cursor of another pool, in a batch.
await subjects.failSubjects({ ...warehouse, subjects: [{ ...held, error, cursor: { since: "" } }] });

// A subject is what a call answers: nobody writes to it.

// @ts-expect-error It is readonly.
if (claimed !== undefined) claimed.revision = 5;

// Transactions have the same calls, and a database.

await subjects.transaction(async (tx) => {
  expectTypeOf(tx.db).toEqualTypeOf<Database>();
  await tx.checkpointSubject({ ...held, cursor: { page: 2 } });
  // @ts-expect-error A page is a number.
  await tx.checkpointSubject({ ...held, cursor: { page: "2" } });
  // @ts-expect-error Transactions do not nest.
  await tx.transaction(async () => {});
});
expectTypeOf(await subjects.transaction(async () => 5)).toEqualTypeOf<number>();
await subjects.within({}).completeSubject({ ...held, cursor: { page: 2 } });
// @ts-expect-error The calls in a caller's transaction have no database of their own.
void subjects.within({}).db;

// The driver.

const processor = subjects.runSubjects({
  ...warehouse,
  every: 60_000,
  concurrency: 5,
  failurePolicy: { parkAfter: 3 },
  discover: async ({ signal }) => {
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return [{ subjectKey: "a", cursor: { page: 0 } }];
  },
  async handle(subject, ctx) {
    expectTypeOf(subject).toEqualTypeOf<Subject<Page, Name>>();
    expectTypeOf(await ctx.checkpoint({ cursor: { page: 2 } })).toEqualTypeOf<Subject<Page, Name>>();
    // @ts-expect-error A page is a number.
    await ctx.checkpoint({ cursor: { page: "2" } });
    // @ts-expect-error The run knows its revision.
    await ctx.checkpoint({ cursor: { page: 2 }, revision: 5 });
    await ctx.transaction(async (tx) => tx.checkpoint({ meta: { name: "B" } }));
    // @ts-expect-error The meta has a name.
    await ctx.within({}).checkpoint({ meta: {} });
    return { cursor: { page: 3 }, nextDueAt: null };
  },
});
expectTypeOf(processor).toEqualTypeOf<DurableHooksProcessor>();
// @ts-expect-error Something has to be done.
subjects.runSubjects(warehouse);
// @ts-expect-error There is no such pool.
subjects.runSubjects({ dispatcherId: "shop", handle: async () => {} });
// @ts-expect-error The handler answers this pool's cursor.
subjects.runSubjects({ ...warehouse, handle: async () => ({ cursor: { since: "" } }) });
subjects.runSubjects({
  ...warehouse,
  every: 5,
  // @ts-expect-error Discovery tells of this pool's subjects.
  discover: async () => [{ key: "a" }],
  handle: async () => {},
});
// @ts-expect-error There is no such policy.
subjects.runSubjects({ ...warehouse, failurePolicy: "park", handle: async () => {} });

// Pools.

// @ts-expect-error A pool is made by `pool`.
createSubjects({ databaseAdapter, pools: { warehouse: {} } });
// @ts-expect-error An option is misspelt.
pool({ maxCursor: 5 });
// @ts-expect-error The schema is a Standard Schema.
pool({ cursor: { page: "number" } });
// @ts-expect-error An option is misspelt.
createSubjects({ databaseAdapter, pools: { warehouse: pool() }, profil: "a" });
