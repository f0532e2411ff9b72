import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { sharedDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { forkWorker } from "../../../../tooling/fork-worker.ts";
import { freshProfile } from "../use-subjects.ts";
import { openReads, openWarehouses, pagesPerWarehouse, type WorkerOptions } from "./pages.ts";

const script = new URL("worker.ts", import.meta.url);
const soon = { withinMs: 15_000 };
const dispatcherId = "warehouse";
const leaseMs = 1_000;
const allPages = Array.from({ length: pagesPerWarehouse }, (_, index) => index + 1);

describe.each(sharedDatabases)("a process that is killed, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  async function setUp() {
    const profile = freshProfile();
    const namespace = freshProfile();
    const adapter = database.adapter();
    const reads = await openReads(adapter, namespace);
    const subjects = openWarehouses(adapter, profile);
    await subjects.syncSubjects({ dispatcherId, subjects: [{ subjectKey: "a" }] });
    const get = async () => subjects.getSubject({ dispatcherId, subjectKey: "a" });
    return {
      subjects,
      get,
      start: (options: Pick<WorkerOptions, "dies" | "hangsAfter" | "commits">) =>
        forkWorker(script, {
          location: database.location ?? "",
          profile,
          namespace,
          leaseMs,
          ...options,
        } satisfies WorkerOptions),
      reads: () => reads.services.all(),
      succeeded: () => eventually(async () => (await get())?.status === "succeeded", soon),
    };
  }

  it("after a checkpoint: another goes on from there, reads no page again and loses none", async () => {
    const { start, get, reads, succeeded } = await setUp();
    const dies = { page: 3, when: "after checkpoint" } as const;
    const victim = await start({ dies, commits: "after" });
    expect(await victim.ended).toBe("SIGKILL");
    expect(await get()).toMatchObject({
      status: "running",
      cursor: { page: 3 },
      leaseOwner: `pid ${victim.pid}`,
    });
    const heir = await start({ dies: null, commits: "after" });
    await succeeded();
    const done = await reads();
    expect(done.map(({ page }) => page)).toEqual(allPages);
    expect(done.map(({ pid }) => pid)).toEqual([victim.pid, victim.pid, victim.pid, heir.pid, heir.pid]);
    expect(await get()).toMatchObject({
      cursor: { page: pagesPerWarehouse },
      attempt: 0,
      consecutiveTimeouts: 0,
    });
  }, 30_000);

  it("before a checkpoint: the one page that was not checkpointed is read again, and no other", async () => {
    const { start, get, reads, succeeded } = await setUp();
    const dies = { page: 3, when: "before checkpoint" } as const;
    const victim = await start({ dies, commits: "after" });
    expect(await victim.ended).toBe("SIGKILL");
    expect(await get()).toMatchObject({ cursor: { page: 2 } });
    await start({ dies: null, commits: "after" });
    await succeeded();
    expect((await reads()).map(({ page }) => page)).toEqual([1, 2, 3, 3, 4, 5]);
  }, 30_000);

  it("inside a transaction: page and cursor are both not there, and each page is kept exactly once", async () => {
    const { start, get, reads, succeeded } = await setUp();
    const dies = { page: 3, when: "before checkpoint" } as const;
    const victim = await start({ dies, commits: "together" });
    expect(await victim.ended).toBe("SIGKILL");
    await eventually(async () => (await reads()).length === 2, soon);
    expect(await get()).toMatchObject({ cursor: { page: 2 } });
    await start({ dies: null, commits: "together" });
    await succeeded();
    expect((await reads()).map(({ page }) => page)).toEqual(allPages);
  }, 30_000);

  it("between claim and any checkpoint: it is taken over after its lease, and not before", async () => {
    const { subjects, start, get, reads, succeeded } = await setUp();
    const victim = await start({ dies: { page: 1, when: "before checkpoint" }, commits: "together" });
    expect(await victim.ended).toBe("SIGKILL");
    const before = await get();
    expect(before).toMatchObject({ status: "leased", cursor: null, attempt: 1 });
    expect(await subjects.claimDueSubjects({ dispatcherId, leaseMs })).toEqual([]);
    const heir = await start({ dies: null, commits: "together" });
    await succeeded();
    const after = await get();
    expect(after?.lastStartedAt?.getTime()).toBeGreaterThanOrEqual(
      before?.leaseExpiresAt?.getTime() ?? Infinity,
    );
    expect((await reads()).map(({ pid }) => pid)).toEqual(allPages.map(() => heir.pid));
  }, 30_000);

  it("by SIGTERM, which is no crash, gives its subjects back at once, and nothing is counted", async () => {
    const { start, get, reads, succeeded } = await setUp();
    const worker = await start({ dies: null, hangsAfter: 2, commits: "together" });
    await eventually(async () => (await reads()).length === 2, soon);
    worker.signal("SIGTERM");
    expect(await worker.ended).toBe(0);
    expect(await get()).toMatchObject({
      status: "idle",
      cursor: { page: 2 },
      attempt: 0,
      consecutiveTimeouts: 0,
    });
    await start({ dies: null, commits: "together" });
    await succeeded();
    expect((await reads()).map(({ page }) => page)).toEqual(allPages);
  }, 30_000);
});
