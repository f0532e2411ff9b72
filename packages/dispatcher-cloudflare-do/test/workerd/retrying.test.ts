import { exponential, fixed } from "@sherd/core";
import { expect, it } from "vitest";
import { eventually, jobsObject } from "./object.ts";

const failing = () => {
  throw new Error("Not yet.");
};

it("a failed attempt is retried by the alarm after its backoff", async () => {
  const startedAt: number[] = [];
  const object = jobsObject({
    run(_, { attempt }) {
      startedAt.push(Date.now());
      if (attempt < 3) failing();
    },
  });
  const retry = exponential({ initialDelayMs: 300, factor: 2, jitter: 0, maxAttempts: 3 });
  await object.within(({ jobs }) => jobs.services.add(["a"], { retry }));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "a 2", "a 3"]));
  const [first = 0, second = 0, third = 0] = startedAt;
  expect(second - first).toBeGreaterThanOrEqual(300);
  expect(third - second).toBeGreaterThanOrEqual(600);
  expect(object.stage.rings).toHaveLength(3);
  await eventually(async () => expect(await object.alarm()).toBeNull());
});

it("between two attempts the alarm is at the retry's due time", async () => {
  const object = jobsObject({ run: failing });
  const retry = fixed({ delayMs: 3_600_000, maxAttempts: 2 });
  const before = Date.now();
  await object.within(({ jobs }) => jobs.services.add(["a"], { retry }));
  await eventually(async () => expect(await object.alarm()).toBeGreaterThan(before + 3_000_000));
  const { nextWakeAt } = (await object.within((jobs) => jobs.status())) ?? {};
  expect(Math.abs(((await object.alarm()) ?? 0) - (nextWakeAt?.["jobs"]?.getTime() ?? 0))).toBeLessThan(50);
});

it("a hook whose attempts are used up leaves no alarm", async () => {
  const object = jobsObject({ run: failing });
  await object.within(({ jobs }) =>
    jobs.services.add(["a"], { retry: fixed({ delayMs: 0, maxAttempts: 2 }) }),
  );
  await eventually(async () => expect(await object.alarm()).toBeNull());
  expect(object.stage.ran).toEqual(["a 1", "a 2"]);
  expect(await object.within(async ({ jobs }) => (await jobs.hooks.count()).failed)).toBe(1);
});

it("a hook that an operator retries is run by the alarm", async () => {
  const object = jobsObject({ run: failing });
  const retry = fixed({ delayMs: 0, maxAttempts: 1 });
  const [id = ""] = await object.within(({ jobs }) => jobs.services.add(["a"], { retry }));
  await eventually(async () =>
    expect(await object.within(async ({ jobs }) => (await jobs.hooks.get(id))?.status)).toBe("failed"),
  );
  object.stage.run = () => {};
  await object.within(({ jobs }) => jobs.hooks.retry(id));
  await eventually(async () =>
    expect(await object.within(async ({ jobs }) => (await jobs.hooks.get(id))?.status)).toBe("completed"),
  );
});
