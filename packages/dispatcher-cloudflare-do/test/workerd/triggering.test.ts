import { expect, it } from "vitest";
import { eventually, jobsObject } from "./object.ts";

it("a trigger arms the alarm, which runs the hook; the request runs none", async () => {
  const object = jobsObject();
  const ranInRequest = await object.within(async ({ jobs }, { storage }) => {
    await jobs.services.add(["a"]);
    expect(await storage.getAlarm()).toBeLessThanOrEqual(Date.now());
    return [...object.stage.ran];
  });
  expect(ranInRequest).toEqual([]);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  expect(object.stage.rings).toHaveLength(1);
});

it("a route's trigger is run by the alarm, without a further request", async () => {
  const object = jobsObject();
  const response = await object.fetch("/jobs/", { method: "POST", body: "a" });
  expect(await response.json()).toHaveLength(1);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
});

it("the alarm is armed in the trigger's own transaction", async () => {
  const object = jobsObject();
  await object.within(({ jobs }, { storage }) =>
    storage.transaction(async () => {
      await jobs.within(storage, (uow) => uow.services.add(["a"]));
      expect(await storage.getAlarm()).not.toBeNull();
    }),
  );
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
});

it("a trigger that is rolled back leaves no alarm", async () => {
  const object = jobsObject();
  const alarm = await object.within(async ({ jobs }, { storage }) => {
    const rolledBack = storage.transaction(async () => {
      await jobs.within(storage, (uow) => uow.services.add(["a"]));
      throw new Error("Roll it back.");
    });
    await expect(rolledBack).rejects.toThrow("Roll it back.");
    return storage.getAlarm();
  });
  expect(alarm).toBeNull();
  expect(await object.within(async ({ jobs }) => (await jobs.hooks.count()).pending)).toBe(0);
});

it("a trigger that is rolled back leaves Sherd's own later alarm its own", async () => {
  const object = jobsObject();
  const processAt = new Date(Date.now() + 3_600_000);
  const [id = ""] = await object.within(({ jobs }) => jobs.services.add(["later"], { processAt }));
  await object.within(async ({ jobs }, { storage }) => {
    const rolledBack = storage.transaction(async () => {
      await jobs.within(storage, (uow) => uow.services.add(["a"]));
      throw new Error("Roll it back.");
    });
    await expect(rolledBack).rejects.toThrow("Roll it back.");
    expect(await storage.getAlarm()).toBe(processAt.getTime());
    await jobs.hooks.cancel(id);
  });
  await eventually(async () => expect(await object.alarm()).toBeNull());
  expect(object.stage.ran).toEqual([]);
});

it("a hook with processAt has the alarm exactly then, and nothing rings before", async () => {
  const object = jobsObject();
  const processAt = new Date(Date.now() + 700);
  const alarm = await object.within(async ({ jobs }, { storage }) => {
    await jobs.services.add(["a"], { processAt });
    return storage.getAlarm();
  });
  expect(alarm).toBe(processAt.getTime());
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  expect(object.stage.rings).toHaveLength(1);
  expect(object.stage.rings[0]).toBeGreaterThanOrEqual(processAt.getTime());
});

it("a run leaves the alarm at the due time of what comes next", async () => {
  const object = jobsObject();
  const processAt = new Date(Date.now() + 3_600_000);
  await object.within(({ jobs }) =>
    jobs.transaction(async (uow) => {
      await uow.services.add(["later"], { processAt });
      await uow.services.add(["now"]);
    }),
  );
  await eventually(() => expect(object.stage.ran).toEqual(["now 1"]));
  await eventually(async () => expect(await object.alarm()).toBeGreaterThan(processAt.getTime() - 50));
  expect(await object.alarm()).toBeLessThan(processAt.getTime() + 50);
});

it("nothing due means no alarm, and no further ring", async () => {
  const object = jobsObject();
  await object.within(({ jobs }) => jobs.services.add(["a", "b"]));
  await eventually(async () => expect(await object.alarm()).toBeNull());
  expect(object.stage.ran).toEqual(["a 1", "b 1"]);
  expect(object.stage.rings).toHaveLength(1);
});

it("two tenants never see each other", async () => {
  const [one, two] = [jobsObject(), jobsObject()];
  await one.within(({ jobs }) => jobs.services.add(["one"]));
  expect(await two.alarm()).toBeNull();
  await two.within(({ jobs }) => jobs.services.add(["two"]));
  await eventually(() => expect([one.stage.ran, two.stage.ran]).toEqual([["one 1"], ["two 1"]]));
  for (const { within } of [one, two])
    await eventually(async () =>
      expect(await within(async ({ jobs }) => (await jobs.hooks.count()).completed)).toBe(1),
    );
});
