import { expect, it } from "vitest";
import { eventually, jobsObject } from "./object.ts";

it("1,000 hooks of one object are run once each, by several alarms with a small budget", async () => {
  const object = jobsObject({ dispatcher: { budgetMs: 5 } });
  const labels = Array.from({ length: 1_000 }, (_, index) => `job-${index}`);
  await object.within(({ jobs }) => jobs.services.add(labels));
  await eventually(async () => expect(await object.alarm()).toBeNull());
  expect(object.stage.ran).toEqual(labels.map((label) => `${label} 1`));
  expect(object.stage.rings.length).toBeGreaterThanOrEqual(3);
});

it("a hook that outlasts the alarm's deadline is interrupted and given back, and uses no attempt up", async () => {
  const object = jobsObject({
    dispatcher: { deadlineMs: 100 },
    run: (_, { signal }) =>
      object.stage.ran.length > 1
        ? undefined
        : new Promise((_resolve, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason as Error)),
          ),
  });
  await object.within(({ jobs }) => jobs.services.add(["a"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "a 1"]));
  expect(object.stage.rings).toHaveLength(2);
});

it("a payload near the platform's limit of 2 MB is stored, run and kept", async () => {
  const received: number[] = [];
  const object = jobsObject({
    hooks: { maxPayloadBytes: 1_950_000 },
    run: (text) => received.push(text.length),
  });
  const id = await object.within(({ jobs }) => jobs.services.addText("large", "x".repeat(1_900_000)));
  await eventually(async () =>
    expect((await object.within(({ jobs }) => jobs.hooks.get(id)))?.status).toBe("completed"),
  );
  expect(received).toEqual([1_900_000]);
});
