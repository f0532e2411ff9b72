import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { claimed, heldBy, hourMs, refusal } from "../use-subjects.ts";

describe.each(bothDatabases)("releaseSubject, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("the subject is due again at once, and the claim's attempt is undone", async () => {
    const { subjects, calls, subject, held } = await claimed(database);
    const released = await subjects.releaseSubject(held);
    expect(released).toMatchObject({
      status: "idle",
      attempt: 0,
      leaseOwner: null,
      leaseExpiresAt: null,
      revision: subject.revision + 1,
      cursor: subject.cursor,
      meta: subject.meta,
    });
    expect(released.nextDueAt?.getTime()).toBeLessThanOrEqual(database.now() + 1);
    expect(await calls.claimOne()).toMatchObject({ attempt: 1, consecutiveTimeouts: 0 });
  });

  it("it counts neither success nor failure, and keeps what was counted before", async () => {
    const { subjects, calls, held } = await claimed(database);
    const failed = await subjects.failSubject({ ...held, error: new Error("no"), retryAfterMs: 0 });
    const released = await subjects.releaseSubject(heldBy(await calls.claimOne()));
    expect(released).toMatchObject({
      attempt: failed.attempt,
      failureCount: 1,
      lastError: failed.lastError,
      lastFinishedAt: failed.lastFinishedAt,
      lastSuccessAt: null,
    });
  });

  it("after a checkpoint too, whose cursor stays", async () => {
    const { subjects, held } = await claimed(database);
    const running = await subjects.checkpointSubject({ ...held, cursor: { page: 2 } });
    expect(await subjects.releaseSubject(heldBy(running))).toMatchObject({ attempt: 0, cursor: { page: 2 } });
  });

  it("a release after a takeover undoes the takeover's attempt alone", async () => {
    const { subjects, calls } = await claimed(database, 1_000);
    await database.pass(1_001);
    const released = await subjects.releaseSubject(heldBy(await calls.claimOne()));
    expect(released).toMatchObject({ attempt: 1, consecutiveTimeouts: 1 });
  });

  it("it takes a live lease: after that has expired nothing changes, and LEASE_EXPIRED names the revision", async () => {
    const { subjects, calls, subject, held } = await claimed(database, 1_000);
    await database.pass(hourMs);
    const before = await calls.get("a");
    const error = await refusal(subjects.releaseSubject(held), "LEASE_EXPIRED");
    expect(error.details).toMatchObject({ currentRevision: subject.revision });
    expect(await calls.get("a")).toEqual(before);
  });
});
