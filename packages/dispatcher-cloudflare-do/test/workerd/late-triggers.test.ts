import { fixed } from "@sherd/core";
import { expect, it } from "vitest";
import type { Jobs } from "./jobs.ts";
import { eventually, jobsObject, type TestObject } from "./object.ts";

/** Run one hook, and have `act` begin at the nth statement of the object's that comes after its end. Answers how many came. */
async function withAct(
  act: (object: TestObject<Jobs>) => Promise<unknown>,
  nth: number,
): Promise<{
  readonly object: TestObject<Jobs>;
  readonly statements: number;
}> {
  let statements = 0;
  let isCounting = false;
  let acting: Promise<unknown> | null = null;
  const object: TestObject<Jobs> = jobsObject({
    run(label) {
      isCounting ||= label === "first";
      if (label === "failing" && object.stage.ran.length === 1) throw new Error("Once.");
    },
    adapter: {
      onStatement() {
        if (!isCounting || ++statements !== nth) return;
        acting = act(object);
      },
    },
  });
  const retry = fixed({ delayMs: 0, maxAttempts: 1 });
  await object.within(({ jobs }) => jobs.services.add(["failing"], { retry }));
  await eventually(async () => expect(await object.alarm()).toBeNull());
  await object.within(({ jobs }) => jobs.services.add(["first"]));
  await eventually(async () => {
    expect(object.stage.ran).toContain("first 1");
    expect(await object.alarm()).toBeNull();
  });
  await acting;
  return { object, statements };
}

const acts: Readonly<Record<string, { act: (object: TestObject<Jobs>) => Promise<unknown>; ran: string }>> = {
  "a trigger": { act: (object) => object.within(({ jobs }) => jobs.services.add(["late"])), ran: "late 1" },
  "an operator's retry": {
    act: (object) => object.within(({ jobs }) => jobs.hooks.retryAll()),
    ran: "failing 1",
  },
};

it.each(Object.keys(acts))(
  "%s at whatever moment of a run is not lost",
  async (name) => {
    const { act, ran } = acts[name] ?? expect.unreachable();
    const { statements } = await withAct(async () => {}, 0);
    expect(statements).toBeGreaterThan(3);
    for (let nth = 1; nth <= statements; nth++) {
      const { object } = await withAct(act, nth);
      await eventually(() => expect(object.stage.ran.slice(1)).toContain(ran));
      await eventually(async () => expect(await object.alarm()).toBeNull());
    }
  },
  60_000,
);

it.each([1, 2])(
  "a trigger right after a run has asked what comes next (question %i) is not lost",
  async (nth) => {
    let jobs: Jobs["jobs"] | null = null;
    let questions = 0;
    const object = jobsObject({
      adapter: {
        onStatement({ verb, phase }) {
          if (object.stage.ran.length === 0 || verb !== "nextWakeInMs" || phase !== "after") return;
          // It is the next to have the database, before the run goes on with the answer.
          if (++questions === nth) void jobs?.services.add(["late"]);
        },
      },
    });
    await object.within(async (inside) => {
      ({ jobs } = inside);
      await jobs.services.add(["first"]);
    });
    await eventually(() => expect(object.stage.ran).toEqual(["first 1", "late 1"]));
    await eventually(async () => expect(await object.alarm()).toBeNull());
  },
);

it("a trigger from inside a handler is run", async () => {
  let jobs: Jobs["jobs"] | null = null;
  const object = jobsObject({
    async run(label) {
      if (label === "first") await jobs?.services.add(["second"]);
      if (label === "second") await jobs?.services.add(["timed"], { processAt: new Date(Date.now() + 300) });
    },
  });
  await object.within(async (inside) => {
    ({ jobs } = inside);
    await jobs.services.add(["first"]);
  });
  await eventually(() => expect(object.stage.ran).toEqual(["first 1", "second 1", "timed 1"]));
  await eventually(async () => expect(await object.alarm()).toBeNull());
});
