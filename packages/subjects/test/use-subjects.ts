import { type DatabaseAdapter, isSherdError, type SherdError, type SherdErrorCode } from "@sherd/core";
import { expect } from "vitest";
import type { TestDatabase } from "../../../tooling/databases.ts";
import { createSubjects, pool, type Subject, type Subjects, type SubjectsOptions } from "../src/index.ts";

export interface Cursor {
  readonly page: number;
}

export interface Meta {
  readonly name: string;
}

export const pools = {
  warehouse: pool<Cursor, Meta>(),
  tenant: pool<Cursor, Meta>(),
};

export type TestSubjects = Subjects<typeof pools>;
export type WarehouseSubject = Subject<Cursor, Meta>;
type Options = Omit<SubjectsOptions<typeof pools>, "databaseAdapter" | "pools">;

export const dispatcherId = "warehouse";
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A profile that no other test has. */
export function freshProfile(): string {
  return `p${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
}

/** The subjects of a profile of the test's own, on an adapter. */
export function openSubjects(adapter: DatabaseAdapter, options: Options = {}): TestSubjects {
  return createSubjects({
    databaseAdapter: adapter,
    pools,
    profile: freshProfile(),
    owner: "owner",
    // Revisions begin at 0.
    random: () => 0,
    ...options,
  });
}

/** Calls on the pool of warehouses, with little to write. */
export function warehouse(
  subjects: Omit<TestSubjects, "transaction" | "within" | "runSubjects" | "profile">,
) {
  return {
    sync: (...drafts: Parameters<TestSubjects["syncSubjects"]>[0]["subjects"]) =>
      subjects.syncSubjects({ dispatcherId, subjects: drafts }),
    claim: (limit = 10, leaseMs = hourMs) => subjects.claimDueSubjects({ dispatcherId, leaseMs, limit }),
    /** Claim the one that is due. */
    async claimOne(leaseMs = hourMs): Promise<WarehouseSubject> {
      const [subject, ...more] = await subjects.claimDueSubjects({ dispatcherId, leaseMs });
      expect({ subject, more }).toMatchObject({ subject: { status: "leased" }, more: [] });
      return subject as WarehouseSubject;
    },
    /** Claim what is due, and have it by key: of what became due at one moment, any comes first. */
    async claimByKey(): Promise<(subjectKey: string) => WarehouseSubject> {
      const taken = await subjects.claimDueSubjects({ dispatcherId, leaseMs: hourMs });
      const byKey = new Map(taken.map((subject) => [subject.subjectKey, subject]));
      return (subjectKey) => {
        const subject = byKey.get(subjectKey);
        if (subject === undefined)
          throw new Error(`Of ${[...byKey.keys()].join(", ")} none is ${subjectKey}.`);
        return subject;
      };
    },
    /** One that there is. */
    async get(subjectKey: string): Promise<WarehouseSubject> {
      return (await subjects.getSubject({ dispatcherId, subjectKey })) as WarehouseSubject;
    },
  };
}

/** A claimed subject `a`, and what was used to make it. */
export async function claimed(database: TestDatabase, leaseMs = hourMs) {
  const subjects = openSubjects(database.adapter());
  const calls = warehouse(subjects);
  await calls.sync({ subjectKey: "a", cursor: { page: 1 }, meta: { name: "A" } });
  const subject = await calls.claimOne(leaseMs);
  return { subjects, calls, subject, held: heldBy(subject) };
}

/** What a holder's call names its subject by. */
export function heldBy({ subjectKey, revision }: WarehouseSubject) {
  return { dispatcherId, subjectKey, revision } as const;
}

/** What a call was refused with. */
export async function refusal<Code extends SherdErrorCode>(
  call: Promise<unknown>,
  code: Code,
): Promise<SherdError<Code>> {
  const error = await call.then(
    () => new Error("It was accepted."),
    (thrown: unknown) => thrown,
  );
  if (isSherdError(error, code)) return error;
  throw new Error(`Expected ${code}.`, { cause: error });
}
