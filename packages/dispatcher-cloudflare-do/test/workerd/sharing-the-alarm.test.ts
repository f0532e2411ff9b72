import { expect, it } from "vitest";
import { eventually, jobsObject } from "./object.ts";

const hourMs = 3_600_000;
const later = (byMs: number) => Date.now() + byMs;

it("an earlier alarm of the object's own is never moved", async () => {
  const object = jobsObject();
  const [mine, processAt] = [later(hourMs), new Date(later(2 * hourMs))];
  const alarm = await object.within(async ({ jobs }, { storage }) => {
    await storage.setAlarm(mine);
    await jobs.services.add(["a"], { processAt });
    return storage.getAlarm();
  });
  expect(alarm).toBe(mine);
  await object.within((jobs) => jobs.drain());
  expect(await object.alarm()).toBe(mine);
});

it("a later alarm of the object's own comes back when Sherd's have rung", async () => {
  const object = jobsObject();
  const mine = later(hourMs);
  await object.within(async ({ jobs }, { storage }) => {
    await storage.setAlarm(mine);
    await jobs.services.add(["a"]);
  });
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  await eventually(async () => expect(await object.alarm()).toBe(mine));
  await object.within(({ jobs }) => jobs.services.add(["b"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "b 1"]));
  await eventually(async () => expect(await object.alarm()).toBe(mine));
});

it("an alarm that user code sets during a run stays", async () => {
  const mine = later(hourMs);
  const object = jobsObject({
    run: () => object.within((_, { storage }) => storage.setAlarm(mine)),
  });
  await object.within(({ jobs }) => jobs.services.add(["a"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  await eventually(async () =>
    expect(await object.within((jobs) => jobs.drain())).toMatchObject({ completed: 0 }),
  );
  expect(await object.alarm()).toBe(mine);
});

it("setAlarm and Sherd share the alarm: both ring", async () => {
  const object = jobsObject();
  const [mine, processAt] = [later(1_500), new Date(later(300))];
  const alarm = await object.within(async (inside, { storage }) => {
    await inside.ask(new Date(mine));
    await inside.jobs.services.add(["a"], { processAt });
    return storage.getAlarm();
  });
  expect(alarm).toBe(processAt.getTime());
  await eventually(() => expect(object.stage.rings).toHaveLength(2));
  expect(object.stage.rings[1]).toBeGreaterThanOrEqual(mine);
  expect(object.stage.ran).toEqual(["a 1"]);
  await eventually(async () => expect(await object.alarm()).toBeNull());
});

it("setAlarm of null takes back what was asked for, and nothing else", async () => {
  const object = jobsObject();
  await object.within((inside) => inside.ask(later(hourMs)));
  await object.within((inside) => inside.ask(null));
  expect(await object.alarm()).toBeNull();
  const processAt = new Date(later(2 * hourMs));
  await object.within(async (inside) => {
    await inside.ask(later(hourMs));
    await inside.jobs.services.add(["a"], { processAt });
    await inside.ask(null);
  });
  expect(Math.abs(((await object.alarm()) ?? 0) - processAt.getTime())).toBeLessThan(50);
});

it("setAlarm moves what was asked for before", async () => {
  const object = jobsObject();
  const [first, second] = [later(hourMs), later(2 * hourMs)];
  await object.within((inside) => inside.ask(first));
  await object.within((inside) => inside.ask(second));
  expect(await object.alarm()).toBe(second);
  await object.within((inside) => inside.ask(first));
  expect(await object.alarm()).toBe(first);
});

it("setAlarm outlives the incarnation, in the middle of a run as well", async () => {
  const object = jobsObject({ run: () => new Promise(() => {}) });
  const mine = later(hourMs);
  await object.within((inside) => inside.ask(mine));
  await object.within(({ jobs }) => jobs.services.add(["a"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  object.stage.run = () => {};
  await object.abort();
  await object.within((inside) => inside.status());
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "a 1"]));
  // What the incarnation before had set for its own safety may ring once more before.
  await eventually(async () => {
    if ((await object.alarm()) !== mine) await object.ring();
    expect(await object.alarm()).toBe(mine);
  });
});

it("setAlarm's alarm is not lost when another one of the object's own waits, too", async () => {
  const object = jobsObject();
  const [mine, asked] = [later(hourMs), later(2 * hourMs)];
  await object.within(async (inside, { storage }) => {
    await inside.ask(asked);
    await storage.setAlarm(mine);
    await inside.jobs.services.add(["a"]);
  });
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  await eventually(async () => expect(await object.alarm()).toBe(mine));
  await object.within((_, { storage }) => storage.deleteAlarm());
  await object.within((inside) => inside.status());
  expect(await object.alarm()).toBe(asked);
});

it.each([Number.NaN, Infinity, new Date("never"), "soon" as never])(
  "setAlarm refuses %s, and nothing is set",
  async (at) => {
    const object = jobsObject();
    await expect(object.within((inside) => inside.ask(at))).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(await object.alarm()).toBeNull();
  },
);
