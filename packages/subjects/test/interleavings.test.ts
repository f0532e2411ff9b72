import { isSherdError } from "@sherd/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bothDatabases, type TestDatabase, useMigratedDatabase } from "../../../tooling/databases.ts";
import {
  dispatcherId,
  freshProfile,
  openSubjects,
  type TestSubjects,
  type WarehouseSubject,
} from "./use-subjects.ts";

const keys = ["a", "b"] as const;
type Key = (typeof keys)[number];
const leaseMs = 60_000;
const owners = ["one", "two", "three"] as const;

/** What a subject has to be. */
interface Model {
  status: string;
  revision: number;
  attempt: number;
  failureCount: number;
  consecutiveTimeouts: number;
  page: number | null;
  owner: string | null;
  /** On the model's clock. */
  expiresAt: number;
  isDue: boolean;
}

/** What an owner believes to hold. */
type Belief = Map<string, number>;

interface World {
  readonly database: TestDatabase;
  readonly subjects: ReadonlyMap<string, TestSubjects>;
  readonly model: Map<Key, Model>;
  readonly beliefs: ReadonlyMap<string, Belief>;
  now: number;
  page: number;
}

const commands = fc.record({
  owner: fc.constantFrom(...owners),
  key: fc.constantFrom(...keys),
  does: fc.constantFrom(
    "claim",
    "claim",
    "checkpoint",
    "extend",
    "complete",
    "fail",
    "release",
    "sync",
    "wait",
    "expire",
  ),
});
type Command = typeof commands extends fc.Arbitrary<infer T> ? T : never;
type Does = Command["does"];

const runs = { "node:sqlite in memory": 150, "postgres.js": 25 };

describe.each(bothDatabases)("three owners in any order, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("a subject has at most one live holder, its revision only grows, and it counts as the model does", async () => {
    const adapters = owners.map(() => database.adapter());
    const property = fc.asyncProperty(
      fc.array(commands, { minLength: 5, maxLength: 40 }),
      async (sequence) => {
        const profile = freshProfile();
        const world: World = {
          database,
          subjects: new Map(
            owners.map((owner, index) => [
              owner,
              openSubjects(adapters[index] ?? fail(), { profile, owner }),
            ]),
          ),
          model: new Map(keys.map((key) => [key, fresh()])),
          beliefs: new Map(owners.map((owner) => [owner, new Map<string, number>()])),
          now: 0,
          page: 0,
        };
        await world.subjects.get("one")?.syncSubjects({
          dispatcherId,
          subjects: keys.map((subjectKey) => ({ subjectKey, nextDueAt: new Date(database.now() - 1) })),
        });
        for (const command of sequence) {
          await perform(world, command);
          await compare(world);
        }
      },
    );
    await fc.assert(property, { numRuns: runs[kind], interruptAfterTimeLimit: 9_000 });
  });
});

function fresh(): Model {
  return {
    status: "idle",
    revision: 0,
    attempt: 0,
    failureCount: 0,
    consecutiveTimeouts: 0,
    page: null,
    owner: null,
    expiresAt: 0,
    isDue: true,
  };
}

async function perform(world: World, { owner, key, does }: Command): Promise<void> {
  if (does === "wait" || does === "expire") {
    const ms = does === "wait" ? leaseMs / 2 : leaseMs + 10_000;
    world.now += ms;
    return world.database.pass(ms);
  }
  const subjects = world.subjects.get(owner) ?? fail();
  const model = world.model.get(key) ?? fail();
  if (does === "claim") return claim(world, owner, subjects);
  if (does === "sync") return sync(world, key, subjects, model);
  const held = world.beliefs.get(owner) ?? fail();
  const revision = held.get(key);
  if (revision === undefined) return;
  const page = ++world.page;
  const outcome = await act(subjects, does, { dispatcherId, subjectKey: key, revision, page });
  const expected = verdict(world, model, does, revision);
  expect({ does, outcome: typeof outcome === "string" ? outcome : "accepted" }).toEqual({
    does,
    outcome: expected,
  });
  if (typeof outcome === "string") return;
  expect(outcome.revision).toBe(model.revision + 1);
  move(world, model, does, page, owner);
  if (model.owner === null) held.delete(key);
  else held.set(key, outcome.revision);
}

async function claim(world: World, owner: string, subjects: TestSubjects): Promise<void> {
  const taken = await subjects.claimDueSubjects({ dispatcherId, leaseMs });
  const free = [...world.model].filter(([, one]) => isFree(world, one)).map(([key]) => key);
  expect(taken.map(({ subjectKey }) => subjectKey).toSorted()).toEqual(free.toSorted());
  for (const { subjectKey, revision } of taken) {
    const model = world.model.get(subjectKey as Key) ?? fail();
    // At most one live holder: it was free in the model, whoever believes what.
    model.consecutiveTimeouts += model.owner === null ? 0 : 1;
    Object.assign(model, { status: "leased", owner, expiresAt: world.now + leaseMs, isDue: true });
    model.attempt += 1;
    model.revision += 1;
    expect(revision).toBe(model.revision);
    world.beliefs.get(owner)?.set(subjectKey, revision);
  }
}

function isFree(world: World, { owner, expiresAt, isDue }: Model): boolean {
  return owner === null ? isDue : expiresAt <= world.now;
}

async function sync(world: World, key: Key, subjects: TestSubjects, model: Model): Promise<void> {
  const page = ++world.page;
  const draft = { subjectKey: key, cursor: { page }, nextDueAt: new Date(world.database.now() - 1) };
  await subjects.syncSubjects({ dispatcherId, subjects: [draft] });
  if (model.owner !== null) return;
  Object.assign(model, { page, isDue: true, revision: model.revision + 1 });
}

type Held = {
  readonly dispatcherId: typeof dispatcherId;
  readonly subjectKey: string;
  readonly revision: number;
};

/** The subject as the call answers it, or the code that it was refused with. */
async function act(
  subjects: TestSubjects,
  does: Does,
  { page, ...held }: Held & { readonly page: number },
): Promise<WarehouseSubject | string> {
  const given = { ...held, cursor: { page } };
  const calls: Partial<Record<Does, () => Promise<WarehouseSubject>>> = {
    checkpoint: () => subjects.checkpointSubject(given),
    extend: () => subjects.checkpointSubject({ ...given, leaseMs }),
    complete: () => subjects.completeSubject(given),
    fail: () => subjects.failSubject({ ...given, error: new Error("no"), retryAfterMs: 0 }),
    release: () => subjects.releaseSubject(held),
  };
  try {
    return await (calls[does] ?? fail)();
  } catch (error) {
    if (isSherdError(error)) return error.code;
    throw error;
  }
}

function verdict(world: World, model: Model, does: Does, revision: number): string {
  if (model.revision !== revision) return "REVISION_CONFLICT";
  if (model.owner === null) return "NOT_LEASED";
  const needsLive = does === "checkpoint" || does === "extend" || does === "release";
  return needsLive && model.expiresAt <= world.now ? "LEASE_EXPIRED" : "accepted";
}

function move(world: World, model: Model, does: Does, page: number, owner: string): void {
  model.revision += 1;
  if (does !== "release") model.page = page;
  const gone = { owner: null, expiresAt: 0 };
  switch (does) {
    case "checkpoint":
      return void Object.assign(model, { status: "running", consecutiveTimeouts: 0, owner });
    case "extend":
      Object.assign(model, { status: "running", consecutiveTimeouts: 0, owner });
      model.expiresAt = world.now + leaseMs;
      return;
    case "complete":
      Object.assign(model, gone, { status: "succeeded", isDue: false });
      return void Object.assign(model, { attempt: 0, failureCount: 0, consecutiveTimeouts: 0 });
    case "fail":
      return void Object.assign(model, gone, {
        status: "failed",
        isDue: true,
        failureCount: model.failureCount + 1,
      });
    default:
      return void Object.assign(model, gone, { status: "idle", isDue: true, attempt: model.attempt - 1 });
  }
}

async function compare({ subjects, model }: World): Promise<void> {
  const listed = await subjects.get("two")?.listSubjects({ dispatcherId });
  const seen = listed?.subjects.map((subject) => ({
    key: subject.subjectKey,
    status: subject.status,
    revision: subject.revision,
    attempt: subject.attempt,
    failureCount: subject.failureCount,
    consecutiveTimeouts: subject.consecutiveTimeouts,
    page: subject.cursor?.page ?? null,
    owner: subject.leaseOwner,
    isDue: subject.nextDueAt !== null,
    expiresAt: model.get(subject.subjectKey as Key)?.expiresAt,
  }));
  expect(seen).toEqual([...model].map(([key, one]) => ({ key, ...one })));
}

function fail(): never {
  throw new Error("There is none.");
}
