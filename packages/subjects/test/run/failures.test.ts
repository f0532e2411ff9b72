import { type DatabaseAdapter, isSherdError, NonRetryable, RetryAfter, SherdError } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { bothDatabases, useMigratedDatabase } from "../../../../tooling/databases.ts";
import { dayMs, hourMs, warehouse } from "../use-subjects.ts";
import { drive } from "./drive.ts";

describe.each(bothDatabases)("how runs end, on %s", (kind) => {
  const database = useMigratedDatabase(kind);

  it("answering completes a subject, with the cursor, meta and due time that the handler answers", async () => {
    const nextDueAt = new Date(database.now() + dayMs);
    const driven = drive(database.adapter(), async (subject) => {
      expect(subject).toMatchObject({ subjectKey: "a", status: "leased", cursor: { page: 1 }, attempt: 1 });
      return { cursor: { page: 2 }, meta: { name: "B" }, nextDueAt };
    });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    expect(await driven.processor.processDue()).toMatchObject({
      completed: 1,
      failed: 0,
      nextWakeAt: expect.any(Date),
    });
    expect(await get("a")).toMatchObject({
      status: "succeeded",
      cursor: { page: 2 },
      meta: { name: "B" },
      nextDueAt,
    });
    expect(driven.events).toMatchObject([
      { type: "claimed", subjectKey: "a", attempt: 1, consecutiveTimeouts: 0, dispatcherId: "warehouse" },
      { type: "succeeded", subjectKey: "a", nextDueAt, profile: driven.subjects.profile },
    ]);
  });

  it("without discovery and without an answer, it is due again a round after it began", async () => {
    const driven = drive(database.adapter(), async () => {}, { every: hourMs });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    await driven.processor.processDue();
    const { nextDueAt, lastStartedAt } = await get("a");
    expect(nextDueAt?.getTime()).toBe((lastStartedAt?.getTime() ?? 0) + hourMs);
  });

  it("throwing fails a subject, which is due by its pool's schedule", async () => {
    const run = async () => Promise.reject(Object.assign(new Error("no"), { code: "ECONNRESET" }));
    const driven = drive(database.adapter(), run, {}, { random: () => 0.5 });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    for (const [index, seconds] of [30, 60, 120].entries()) {
      expect(await driven.processor.processDue()).toMatchObject({ completed: 0, failed: 1 });
      const failed = await get("a");
      expect(failed).toMatchObject({
        status: "failed",
        failureCount: index + 1,
        cursor: { page: 1 },
        lastError: { code: "ECONNRESET", message: "no" },
      });
      expect((failed.nextDueAt?.getTime() ?? 0) - (failed.lastFinishedAt?.getTime() ?? 0)).toBe(
        seconds * 1_000,
      );
      await database.pass(seconds * 1_000 + 1);
    }
    expect(driven.eventsOf("a")).toEqual(["claimed", "failed", "claimed", "failed", "claimed", "failed"]);
    expect(driven.events.findLast(({ type }) => type === "failed")).toMatchObject({ failureCount: 3 });
  });

  it("RetryAfter says when it is due again", async () => {
    const driven = drive(database.adapter(), async () => Promise.reject(new RetryAfter(7_777)));
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    await driven.processor.processDue();
    const { nextDueAt, lastFinishedAt } = await get("a");
    expect((nextDueAt?.getTime() ?? 0) - (lastFinishedAt?.getTime() ?? 0)).toBe(7_777);
  });

  it("NonRetryable parks it until a sync says when", async () => {
    const driven = drive(database.adapter(), async () => Promise.reject(new NonRetryable("closed")));
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    await driven.processor.processDue();
    expect(await get("a")).toMatchObject({
      status: "failed",
      nextDueAt: null,
      lastError: { retryable: false },
    });
    await database.pass(365 * dayMs);
    expect(await driven.processor.processDue()).toMatchObject({ failed: 0, nextWakeAt: null });
    await sync({ subjectKey: "a", nextDueAt: new Date(database.now() - 1) });
    expect(await driven.processor.processDue()).toMatchObject({ failed: 1 });
    expect(driven.events.findLast(({ type }) => type === "failed")).toMatchObject({
      nextDueAt: null,
      failureCount: 2,
    });
  });

  it("with parkAfter, it is parked after so many failures in a row; one success begins anew", async () => {
    let fails = true;
    const run = async () => {
      if (fails) throw new Error("no");
    };
    const driven = drive(database.adapter(), run, { failurePolicy: { parkAfter: 3 }, every: 1 });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    const pass = async (times: number) => {
      for (let time = 0; time < times; time++) {
        await database.pass(2 * hourMs);
        await driven.processor.processDue({ deadlineMs: 5_000, claimMs: 1 });
      }
    };
    await pass(2);
    expect((await get("a")).nextDueAt).not.toBeNull();
    fails = false;
    await pass(1);
    fails = true;
    await pass(2);
    expect(await get("a")).toMatchObject({ failureCount: 2 });
    expect((await get("a")).nextDueAt).not.toBeNull();
    await pass(2);
    expect(await get("a")).toMatchObject({ failureCount: 3, nextDueAt: null });
  });

  /** A subject that was taken from its holders as often as its pool allows, which parks it then. */
  async function lostTwice() {
    const ran: string[] = [];
    const run = async ({ subjectKey }: { readonly subjectKey: string }) => void ran.push(subjectKey);
    const { processor, subjects } = drive(database.adapter(), run, { failurePolicy: { parkAfter: 2 } });
    const calls = warehouse(subjects);
    await calls.sync({ subjectKey: "a" });
    for (let loss = 0; loss < 2; loss++) {
      await calls.claimOne(1_000);
      await database.pass(1_001);
    }
    return { processor, ran, ...calls };
  }

  it("with parkAfter, takeovers in a row count as well, and the last one is not run", async () => {
    const { processor, ran, get } = await lostTwice();
    expect(await processor.processDue()).toMatchObject({ failed: 1 });
    expect(ran).toEqual([]);
    expect(await get("a")).toMatchObject({ status: "failed", nextDueAt: null, lastError: { code: "LOST" } });
  });

  it("with parkAfter, a sync gives what was parked for its takeovers another chance", async () => {
    const { processor, ran, sync, get } = await lostTwice();
    await processor.processDue();
    await sync({ subjectKey: "a", nextDueAt: new Date(database.now() - 1) });
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(ran).toEqual(["a"]);
    expect(await get("a")).toMatchObject({ status: "succeeded", consecutiveTimeouts: 0 });
  });

  it("a run that takes longer than timeoutMs is aborted and has failed, also when it does not listen", async () => {
    const reasons: unknown[] = [];
    const run = async (_: unknown, { signal }: { readonly signal: AbortSignal }) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      await new Promise(() => {});
    };
    const driven = drive(database.adapter(), run, { timeoutMs: 50 });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    expect(await driven.processor.processDue()).toMatchObject({ failed: 1, givenBack: 0 });
    expect(await get("a")).toMatchObject({ failureCount: 1, lastError: { code: "SUBJECT_TIMEOUT" } });
    expect(reasons.map((reason) => isSherdError(reason, "SUBJECT_TIMEOUT"))).toEqual([true]);
  });

  it("an answer that cannot be kept fails the subject, and its cursor stays", async () => {
    const answers = [
      { cursor: { page: 1n } },
      { cursr: 1 },
      { nextDueAt: "tomorrow" },
      { meta: new Map() },
      "done",
    ];
    const run = async () => answers.shift() as never;
    const driven = drive(database.adapter(), run);
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a", cursor: { page: 1 } });
    for (let failure = 1; answers.length > 0; failure++) {
      await driven.processor.processDue();
      expect(await get("a")).toMatchObject({
        failureCount: failure,
        cursor: { page: 1 },
        lastError: { code: "INVALID_REQUEST" },
      });
      await database.pass(2 * hourMs);
    }
  });

  it.each([undefined, null, "text", 5, { code: "X" }])(
    "whatever a handler throws fails the subject: %s",
    async (thrown) => {
      const driven = drive(database.adapter(), async () => Promise.reject(thrown));
      const { sync, get } = warehouse(driven.subjects);
      await sync({ subjectKey: "a" });
      expect(await driven.processor.processDue()).toMatchObject({ failed: 1 });
      expect(await get("a")).toMatchObject({ status: "failed", failureCount: 1 });
      expect(driven.errors).toEqual([]);
    },
  );

  it("what onEvent throws goes to onError, and what onError throws goes nowhere: both stop nothing", async () => {
    const heard: unknown[] = [];
    const refused = new Error("refused");
    const onEvent = () => {
      throw refused;
    };
    const onError = (error: unknown, context: unknown) => {
      heard.push({ error, context });
      throw new Error("this too");
    };
    const driven = drive(database.adapter(), async () => {}, {}, { onEvent, onError });
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    await driven.processor.processDue();
    expect(await get("a")).toMatchObject({ status: "succeeded" });
    const context = { during: "callback", dispatcherId: "warehouse", profile: driven.subjects.profile };
    expect(heard).toEqual([
      { error: refused, context },
      { error: refused, context },
    ]);
  });

  it("an end whose write fails is written again, and the error is told", async () => {
    const driven = drive(cutOff(database.adapter(), "before", 2), async () => ({ cursor: { page: 2 } }));
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    expect(await driven.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await get("a")).toMatchObject({ status: "succeeded", cursor: { page: 2 }, attempt: 0 });
    expect(driven.errors.map(({ during }) => during)).toEqual(["end", "end"]);
    expect(driven.eventsOf("a")).toEqual(["claimed", "succeeded"]);
  });

  it("an end whose answer was lost is known as written: it failed once", async () => {
    const run = async () => Promise.reject(new Error("no"));
    const driven = drive(cutOff(database.adapter(), "after", 1), run);
    const { sync, get } = warehouse(driven.subjects);
    await sync({ subjectKey: "a" });
    expect(await driven.processor.processDue()).toMatchObject({ failed: 1, other: 0 });
    expect(await get("a")).toMatchObject({ status: "failed", failureCount: 1 });
    expect(driven.errors.map(({ during }) => during)).toEqual(["end"]);
    expect(driven.eventsOf("a")).toEqual(["claimed", "failed"]);
  });
});

/** The same database over a connection that is cut before or after the next so many moves. */
function cutOff(adapter: DatabaseAdapter, when: "before" | "after", times: number): DatabaseAdapter {
  let left = times;
  const cut = () => {
    left -= 1;
    throw new SherdError("DATABASE_UNAVAILABLE", "the connection was cut", { verb: "move" });
  };
  const { pull } = adapter;
  const move: typeof pull.move = async (...args) => {
    if (when === "before" && left > 0) cut();
    const answer = await pull.move(...args);
    if (when === "after" && left > 0) cut();
    return answer;
  };
  return { ...adapter, pull: { ...pull, move } };
}
