import { expect, it } from "vitest";
import { eventually, jobsObject } from "./object.ts";

const hanging = () => new Promise<never>(() => {});

it("what a lost incarnation ran is taken back at once by the next request, with no attempt used up", async () => {
  const object = jobsObject({ run: hanging });
  await object.within(({ jobs }) => jobs.services.add(["a", "b"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "b 1"]));
  await object.abort();
  object.stage.run = () => {};
  const before = Date.now();
  expect((await object.fetch("/elsewhere")).status).toBe(404);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "b 1", "a 1", "b 1"]));
  expect(Date.now() - before).toBeLessThan(10_000);
});

it("what a lost incarnation ran is run by the safety alarm, without any request", async () => {
  const object = jobsObject({ run: hanging });
  await object.within(({ jobs }) => jobs.services.add(["a"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  const safety = (await object.alarm()) ?? Infinity;
  expect(safety).toBeGreaterThan(Date.now());
  expect(safety).toBeLessThanOrEqual(Date.now() + 15_000);
  await object.abort();
  object.stage.run = () => {};
  expect(await object.ring()).toBe(true);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "a 1"]));
});

it("a drain has the safety alarm as well", async () => {
  const object = jobsObject({ run: hanging });
  const processAt = new Date(Date.now() + 3_600_000);
  await object.within(({ jobs }) => jobs.services.add(["later"], { processAt }));
  await object.within(async (inside) => {
    await inside.jobs.services.add(["a"]);
    void inside.drain();
  });
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  expect(await object.alarm()).toBeLessThanOrEqual(Date.now() + 15_000);
});

it("an idle incarnation's end changes nothing: its timed hooks run on time", async () => {
  const object = jobsObject();
  const processAt = new Date(Date.now() + 1_000);
  await object.within(({ jobs }) => jobs.services.add(["a"], { processAt }));
  await object.abort();
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  expect(object.stage.rings).toHaveLength(1);
});
