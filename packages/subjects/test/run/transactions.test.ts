import { isSherdError } from "@sherd/core";
import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { useApplication } from "../../../../tooling/application.ts";
import { bothDatabases } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { stalledClock } from "../../../../tooling/stalled-clock.ts";
import { makeLedger } from "../ledger.ts";
import { dispatcherId, hourMs, openSubjects, warehouse } from "../use-subjects.ts";
import { drive } from "./drive.ts";

/** Claim until the lease has expired and there is something to have. */
async function takeover<T>(claim: () => Promise<readonly T[]>): Promise<readonly T[]> {
  const take = async () => {
    const taken = await claim();
    return taken.length > 0 && taken;
  };
  return (await eventually(take, { withinMs: 5_000 })) || [];
}

describe.each(bothDatabases)("transactions of runs, on %s", (kind) => {
  const application = useApplication(kind, { connections: 1 });

  it("ctx.transaction commits a cursor together with the data that it stands for", async () => {
    const ledger = await makeLedger(application.adapter);
    const driven = drive(application.adapter, async (_, ctx) => {
      for (const page of [2, 3]) {
        await ctx.transaction(async (tx) => {
          await tx.db.insert(ledger.tables.row).values({ note: `page ${page}` });
          expect(await tx.checkpoint({ cursor: { page } })).toMatchObject({ cursor: { page } });
        });
        expect(ctx.subject.cursor).toEqual({ page });
      }
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await get("a")).toMatchObject({ status: "succeeded", cursor: { page: 3 } });
    expect(await ledger.services.notes()).toEqual(["page 2", "page 3"]);
    expect(driven.eventsOf("a")).toEqual(["claimed", "checkpointed", "checkpointed", "succeeded"]);
  });

  it("ctx.transaction rolls both back, and the run goes on from the cursor before", async () => {
    const ledger = await makeLedger(application.adapter);
    const driven = drive(application.adapter, async (_, ctx) => {
      const rolledBack = ctx.transaction(async (tx) => {
        await tx.checkpoint({ cursor: { page: 2 } });
        await tx.db.insert(ledger.tables.row).values({ note: "page 2" });
        throw new Error("roll back");
      });
      await expect(rolledBack).rejects.toThrow("roll back");
      expect(ctx.subject.cursor).toEqual({ page: 1 });
      await ctx.checkpoint({ meta: { name: "after" } });
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await get("a")).toMatchObject({
      status: "succeeded",
      cursor: { page: 1 },
      meta: { name: "after" },
    });
    expect(await ledger.services.notes()).toEqual([]);
    expect(driven.eventsOf("a")).toEqual(["claimed", "checkpointed", "succeeded"]);
  });

  it("ctx.within commits a cursor together with a fragment's unit of work, and rolls back with it", async () => {
    const ledger = await makeLedger(application.adapter);
    const driven = drive(application.adapter, async (_, ctx) => {
      const write = (page: number, fails: boolean) =>
        ledger.transaction(async (uow) => {
          await uow.services.note(`page ${page}`);
          await ctx.within(uow).checkpoint({ cursor: { page } });
          if (fails) throw new Error("roll back");
        });
      await write(2, false);
      await expect(write(3, true)).rejects.toThrow("roll back");
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await get("a")).toMatchObject({ status: "succeeded", cursor: { page: 2 } });
    expect(await ledger.services.notes()).toEqual(["page 2"]);
  });

  it("ctx.within commits a cursor together with a drizzle transaction of the application's", async () => {
    const driven = drive(application.adapter, async (_, ctx) => {
      await application.transaction(async (tx, addOrder) => {
        await addOrder("page 2");
        await ctx.within(tx).checkpoint({ cursor: { page: 2 } });
      });
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.processDue();
    expect(await get("a")).toMatchObject({ status: "succeeded", cursor: { page: 2 } });
    expect(await application.orders()).toContain("page 2");
  });

  /** A run that does `act` once somebody else has taken its subject over. */
  async function fenced(act: (ctx: Parameters<Parameters<typeof drive>[1]>[1]) => Promise<unknown>) {
    const started = signal();
    const taken = signal();
    const acted = signal<unknown>();
    const driven = drive(application.adapter, async (_, ctx) => {
      await ctx.checkpoint({ cursor: { page: 2 }, leaseMs: 50 });
      started.resolve();
      await taken.promise;
      acted.resolve(await act(ctx).catch((error: unknown) => error));
      return { cursor: { page: 99 } };
    });
    const { sync, get, claim } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.wake();
    await started.promise;
    const other = await takeover(() => claim());
    taken.resolve();
    const error = await acted.promise;
    await driven.processor.idle();
    expect(await get("a")).toEqual(other[0]);
    expect(driven.eventsOf("a").at(-1)).toBe("fenced");
    return error;
  }

  it.each([
    ["with a checkpoint", true],
    ["without one", false],
  ])("of a run that lost its subject nothing commits, in a transaction %s", async (_, checkpoints) => {
    const ledger = await makeLedger(application.adapter);
    const error = await fenced((ctx) =>
      ctx.transaction(async (tx) => {
        await tx.db.insert(ledger.tables.row).values({ note: "too late" });
        if (checkpoints) await tx.checkpoint({ cursor: { page: 3 } });
      }),
    );
    expect(isSherdError(error, "REVISION_CONFLICT")).toBe(true);
    expect(await ledger.services.notes()).toEqual([]);
  });

  it("a run whose checkpoint was rolled back never ends a subject that was taken over at that revision", async () => {
    const started = signal();
    const taken = signal();
    const ledger = await makeLedger(application.adapter);
    const driven = drive(
      application.adapter,
      async (_, ctx) => {
        const rolledBack = ledger.transaction(async (uow) => {
          await ctx.within(uow).checkpoint({ cursor: { page: 2 } });
          throw new Error("roll back");
        });
        await expect(rolledBack).rejects.toThrow("roll back");
        started.resolve();
        await taken.promise;
        return { cursor: { page: 99 } };
      },
      { leaseMs: 100 },
      { clock: stalledClock },
    );
    const other = openSubjects(application.adapter, { profile: driven.subjects.profile, owner: "other" });
    const { sync, get, claim } = warehouse(other);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    await driven.processor.wake();
    await started.promise;
    const theirs = await takeover(() => claim(1, hourMs));
    taken.resolve();
    await driven.processor.idle();
    expect(await get("a")).toEqual(theirs[0]);
    expect(driven.eventsOf("a")).toEqual(["claimed", "fenced"]);
    const [mine] = theirs;
    expect(
      await other.completeSubject({ dispatcherId, subjectKey: "a", revision: mine?.revision ?? 0 }),
    ).toMatchObject({
      cursor: { page: 1 },
    });
  });
});
