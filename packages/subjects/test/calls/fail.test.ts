import { NonRetryable, RetryAfter, SherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { createSubjects, pool } from "../../src/index.ts";
import {
  claimed,
  dayMs,
  dispatcherId,
  freshProfile,
  heldBy,
  hourMs,
  openSubjects,
  refusal,
  type TestSubjects,
  warehouse,
  type WarehouseSubject,
} from "../use-subjects.ts";

/** How long after it failed a subject is due again. */
function delayOf({ nextDueAt, lastFinishedAt }: WarehouseSubject): number {
  return (nextDueAt?.getTime() ?? Infinity) - (lastFinishedAt?.getTime() ?? 0);
}

describe.each(bothDatabases)("failSubject, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("the subject has failed, with a failure more and its error, and is let go of", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    const error = { code: "RATE_LIMITED", message: "slow down", retryable: true };
    const failed = await subjects.failSubject({ ...held, error, cursor: { page: 2 }, meta: { name: "B" } });
    expect(failed).toMatchObject({
      status: "failed",
      failureCount: 1,
      attempt: 1,
      lastError: error,
      cursor: { page: 2 },
      meta: { name: "B" },
      leaseOwner: null,
      leaseExpiresAt: null,
      revision: subject.revision + 1,
      lastSuccessAt: null,
    });
    expect(Math.abs((failed.lastFinishedAt?.getTime() ?? 0) - database.now())).toBeLessThan(5_000);
    expect(await calls.get("a")).toEqual(failed);
  });

  it("what is absent stays, and null clears", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    const kept = await subjects.failSubject({ ...held, error: new Error("1"), retryAfterMs: 0 });
    expect(kept).toMatchObject({ cursor: subject.cursor, meta: subject.meta });
    const again = heldBy(await calls.claimOne());
    const cleared = await subjects.failSubject({ ...again, error: new Error("2"), cursor: null, meta: null });
    expect(cleared).toMatchObject({ cursor: null, meta: null, failureCount: 2, lastError: { message: "2" } });
  });

  it.each([
    [new TypeError("no"), { code: null, message: "no", retryable: null }],
    [
      Object.assign(new Error("no"), { code: "ECONNRESET" }),
      { code: "ECONNRESET", message: "no", retryable: null },
    ],
    [new NonRetryable("never"), { code: null, message: "never", retryable: false }],
    [
      new SherdError("DATABASE_BUSY", "busy", { waitedMs: 1 }),
      { code: "DATABASE_BUSY", message: "busy", retryable: true },
    ],
    [{ message: "plain" }, { code: null, message: "plain", retryable: null }],
    [
      { message: "", retryable: false },
      { code: null, message: "", retryable: false },
    ],
    [{ message: "NUL \0 and half \ud800" }, { code: null, message: "NUL  and half \ufffd", retryable: null }],
  ])("of %o it keeps code, message and whether to retry", async (error, kept) => {
    const { subjects, held } = await claimed(database);
    expect((await subjects.failSubject({ ...held, error })).lastError).toEqual(kept);
  });

  it("it is due at nextDueAt, where that is given; null parks it until a sync", async () => {
    const { subjects, calls, held } = await claimed(database);
    const nextDueAt = new Date(database.now() + dayMs);
    expect(await subjects.failSubject({ ...held, error: new Error("no"), nextDueAt })).toMatchObject({
      nextDueAt,
    });
    await database.pass(dayMs + 1);
    const again = heldBy(await calls.claimOne());
    const parked = await subjects.failSubject({ ...again, error: new Error("no"), nextDueAt: null });
    expect(parked.nextDueAt).toBeNull();
    await database.pass(365 * dayMs);
    expect(await calls.claim()).toEqual([]);
  });

  it("it is due in retryAfterMs, where that is given", async () => {
    const { subjects, held } = await claimed(database);
    const failed = await subjects.failSubject({ ...held, error: new Error("no"), retryAfterMs: 12_345 });
    expect(delayOf(failed)).toBe(12_345);
  });

  it("with both hints it is INVALID_REQUEST, and nothing changes", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    for (const nextDueAt of [new Date(), null]) {
      const call = subjects.failSubject({ ...held, error: new Error("no"), nextDueAt, retryAfterMs: 5 });
      expect((await refusal(call, "INVALID_REQUEST")).details).toMatchObject({ field: "retryAfterMs" });
    }
    expect(await calls.get("a")).toEqual(subject);
  });

  it.each([0, 0.5, 1 - Number.EPSILON])(
    "without hints it is due after 30 s, doubled each time up to 1 h, ±10 %% (random %f)",
    async (random) => {
      const subjects = openSubjects(database.adapter(), { random: () => random });
      const calls = warehouse(subjects);
      await calls.sync({ subjectKey: "a" });
      const delays: number[] = [];
      for (let failure = 1; failure <= 9; failure++) {
        const failed = await subjects.failSubject({
          ...heldBy(await calls.claimOne()),
          error: new Error("no"),
        });
        expect(failed.failureCount).toBe(failure);
        delays.push(delayOf(failed));
        await database.pass(2 * hourMs);
      }
      const factor = 0.9 + 0.2 * random;
      const seconds = [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600];
      expect(delays).toEqual(seconds.map((s) => Math.round(s * 1_000 * factor)));
    },
  );

  it("the schedule begins anew after a success", async () => {
    const subjects = openSubjects(database.adapter(), { random: () => 0.5 });
    const calls = warehouse(subjects);
    await calls.sync({ subjectKey: "a" });
    for (let failure = 1; failure <= 3; failure++) {
      await subjects.failSubject({
        ...heldBy(await calls.claimOne()),
        error: new Error("no"),
        retryAfterMs: 0,
      });
    }
    const past = new Date(database.now() - 1);
    await subjects.completeSubject({ ...heldBy(await calls.claimOne()), nextDueAt: past });
    const failed = await subjects.failSubject({ ...heldBy(await calls.claimOne()), error: new Error("no") });
    expect(delayOf(failed)).toBe(30_000);
  });

  it("an error that says when decides it: RetryAfter", async () => {
    const { subjects, held } = await claimed(database);
    const failed = await subjects.failSubject({ ...held, error: new RetryAfter(4_321) });
    expect(delayOf(failed)).toBe(4_321);
  });

  it("a pool's own policy takes the place of the default one, and may park", async () => {
    const delay = ({ attempt }: { readonly attempt: number }) => (attempt > 1 ? null : 7_000);
    const retry = { kind: "custom", maxAttempts: 1, delay } as const;
    const subjects: TestSubjects = createSubjects({
      databaseAdapter: database.adapter(),
      profile: freshProfile(),
      pools: { warehouse: pool({ retry }), tenant: pool() },
    }) as TestSubjects;
    const calls = warehouse(subjects);
    await calls.sync({ subjectKey: "a" });
    const failed = await subjects.failSubject({ ...heldBy(await calls.claimOne()), error: new Error("no") });
    expect(delayOf(failed)).toBe(7_000);
    await database.pass(7_001);
    const parked = await subjects.failSubject({ ...heldBy(await calls.claimOne()), error: new Error("no") });
    expect(parked.nextDueAt).toBeNull();
  });

  it("a late fail whose revision still matches is accepted: the revision is the fence", async () => {
    const { subjects, held } = await claimed(database, 1_000);
    await database.pass(dayMs);
    const failed = await subjects.failSubject({ ...held, error: new Error("late"), retryAfterMs: 0 });
    expect(failed).toMatchObject({ status: "failed", failureCount: 1, consecutiveTimeouts: 0 });
  });

  it("a batch answers each subject in order, each by its own schedule or hint", async () => {
    const subjects = openSubjects(database.adapter(), { random: () => 0.5 });
    const calls = warehouse(subjects);
    await calls.sync({ subjectKey: "a" });
    const error = new Error("no");
    await subjects.failSubject({ ...heldBy(await calls.claimOne()), error, retryAfterMs: 0 });
    await calls.sync({ subjectKey: "b" }, { subjectKey: "c" });
    const of = await calls.claimByKey();
    const one = (subjectKey: string) => ({ subjectKey, revision: of(subjectKey).revision });
    const results = await subjects.failSubjects({
      dispatcherId,
      subjects: [
        { ...one("b"), error: new Error("by schedule") },
        { ...one("a"), error: { message: "by schedule, twice" } },
        { subjectKey: "missing", revision: 1, error },
        { ...one("c"), error: new Error("by hint"), retryAfterMs: 5 },
      ],
    });
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false, true]);
    expect(results.map((result) => (result.ok ? delayOf(result.subject) : result.error.code))).toEqual([
      30_000,
      60_000,
      "SUBJECT_NOT_FOUND",
      5,
    ]);
  });

  it("a batch with both hints in one changes nothing of any", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    const { subjectKey, revision } = held;
    const error = new Error("no");
    const call = subjects.failSubjects({
      dispatcherId,
      subjects: [
        { subjectKey, revision, error },
        { subjectKey: "b", revision: 1, error, retryAfterMs: 1, nextDueAt: null },
      ],
    });
    await refusal(call, "INVALID_REQUEST");
    expect(await calls.get("a")).toEqual(subject);
  });
});
