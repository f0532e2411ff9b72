import { fixed } from "@sherd/core";
import { durableObjectAdapter } from "@sherd/sqlite/durable-object";
import { createSubjects, pool, type SubjectContext, type SubjectDraft } from "@sherd/subjects";
import { expect, it } from "vitest";
import {
  createDurableHooksDispatcherDurableObject,
  type DurableHooksDurableObject,
} from "../../src/index.ts";
import { eventually, objectWith } from "./object.ts";
import type { Inside, Stage } from "./stage.ts";

const pools = { warehouses: pool<number>({ retry: fixed({ delayMs: 3_600_000, maxAttempts: 9 }) }) };
const dispatcherId = "warehouses";
const hourMs = 3_600_000;

type Handle = (key: string, context: SubjectContext<typeof pools, typeof dispatcherId>) => Promise<unknown>;

/** What a test has the subjects of an object do. */
interface Plan {
  handle: Handle;
  readonly every?: number;
  readonly discover?: () => Promise<readonly SubjectDraft<number, unknown>[]>;
}

/** The object that a user would write who has subjects and no fragment. */
class Fleet implements Inside {
  readonly subjects;
  #handler: DurableHooksDurableObject = {};

  constructor(ctx: DurableObjectState, env: unknown, stage: Stage, plan: Plan) {
    const databaseAdapter = durableObjectAdapter(ctx.storage);
    this.subjects = createSubjects({ databaseAdapter, pools });
    const { handle: _, ...rounds } = plan;
    const processor = this.subjects.runSubjects({
      dispatcherId,
      ...rounds,
      async handle({ subjectKey }, context) {
        stage.ran.push(subjectKey);
        await plan.handle(subjectKey, context);
      },
    });
    void ctx.blockConcurrencyWhile(async () => {
      await databaseAdapter.migrator.apply([databaseAdapter.migrator.kernel]);
      this.#handler = createDurableHooksDispatcherDurableObject({ createProcessor: () => processor })(
        ctx,
        env,
      );
    });
  }

  async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#handler.alarm?.(info);
  }

  async fetch(): Promise<Response> {
    await this.#handler.heal?.();
    return new Response();
  }

  async statusOf(subjectKey: string): Promise<string | undefined> {
    return (await this.subjects.getSubject({ dispatcherId, subjectKey }))?.status;
  }

  sync(subjectKey: string, nextDueAt?: Date) {
    const subject = { subjectKey, ...(nextDueAt === undefined ? {} : { nextDueAt }) };
    return this.subjects.syncSubjects({ dispatcherId, subjects: [subject] });
  }
}

function fleet(given: Partial<Plan> = {}) {
  const plan: Plan = { handle: async () => {}, ...given };
  return { plan, ...objectWith((ctx, env, stage) => new Fleet(ctx, env, stage, plan)) };
}

it("a subject that is synced is run by the object's alarm", async () => {
  const object = fleet();
  await object.within((inside) => inside.sync("a"));
  await eventually(() => expect(object.stage.ran).toEqual(["a"]));
  await eventually(async () =>
    expect(await object.within((inside) => inside.statusOf("a"))).toBe("succeeded"),
  );
  await eventually(async () => expect(await object.alarm()).toBeNull());
});

it("the alarm is set for the next due subject in the transaction that makes it due", async () => {
  const object = fleet();
  const dueAt = Date.now() + hourMs;
  const refused = object.within((inside) =>
    inside.subjects.transaction(async (tx) => {
      const subjects = [{ subjectKey: "a", nextDueAt: new Date(dueAt) }];
      await tx.syncSubjects({ dispatcherId, subjects });
      throw new Error("roll back");
    }),
  );
  await expect(refused).rejects.toThrow("roll back");
  expect(await object.alarm()).toBeNull();
  await object.within((inside) => inside.sync("a", new Date(dueAt)));
  expect(Math.abs(((await object.alarm()) ?? 0) - dueAt)).toBeLessThan(1_000);
});

it("a failed subject has the alarm set for its retry", async () => {
  const object = fleet({
    handle: async () => {
      throw new Error("The warehouse is closed.");
    },
  });
  await object.within((inside) => inside.sync("a"));
  await eventually(async () => expect(await object.within((inside) => inside.statusOf("a"))).toBe("failed"));
  await eventually(async () => expect((await object.alarm()) ?? 0).toBeGreaterThan(Date.now() + hourMs / 2));
});

it("rounds of discovery follow each other by the alarm alone", async () => {
  const object = fleet({
    every: 300,
    discover: async () => [{ subjectKey: "a" }, { subjectKey: "b" }],
  });
  // The first request brings the object to life.
  await object.fetch("/");
  await eventually(() => expect(object.stage.ran.filter((key) => key === "a").length).toBeGreaterThan(2));
  expect(object.stage.ran.filter((key) => key === "b").length).toBeGreaterThan(1);
});

it("what a lost incarnation worked on goes on at once from its last checkpoint, with nothing counted", async () => {
  const object = fleet({
    handle: async (_, context) => {
      await context.checkpoint({ cursor: 7 });
      await new Promise(() => {});
    },
  });
  const read = () => object.within(({ subjects }) => subjects.getSubject({ dispatcherId, subjectKey: "a" }));
  await object.within((inside) => inside.sync("a"));
  await eventually(async () => expect(await read()).toMatchObject({ status: "running", cursor: 7 }));
  await object.abort();
  let resumedAt: unknown = null;
  object.plan.handle = async (_, { subject }) => {
    resumedAt = { cursor: subject.cursor, attempt: subject.attempt, timeouts: subject.consecutiveTimeouts };
  };
  await object.fetch("/");
  await eventually(() => expect(resumedAt).toEqual({ cursor: 7, attempt: 1, timeouts: 0 }));
  expect(object.stage.ran).toEqual(["a", "a"]);
});
