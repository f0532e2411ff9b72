import { expect, it } from "vitest";
import type { Jobs } from "./jobs.ts";
import { eventually, jobsObject, type TestObject } from "./object.ts";

/** An object whose processing fails, with a hook waiting. */
async function brokenObject(stage: Parameters<typeof jobsObject>[0] = {}): Promise<TestObject<Jobs>> {
  const object = jobsObject(stage);
  await object.within(async ({ jobs }, { storage }) => {
    await jobs.services.add(["a"]);
    storage.sql.exec("ALTER TABLE sherd_lease RENAME TO sherd_lease_away");
  });
  return object;
}

const mend = (object: TestObject<Jobs>) =>
  object.within((_, { storage }) => storage.sql.exec("ALTER TABLE sherd_lease_away RENAME TO sherd_lease"));

it("a run that failed is heard of and tried again by alarms alone, at growing distances", async () => {
  const object = await brokenObject();
  await eventually(() => expect(object.stage.errors).toHaveLength(2));
  await mend(object);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  const [first = 0, second = 0, third = 0] = object.stage.rings;
  expect(second - first).toBeGreaterThanOrEqual(900);
  expect(third - second).toBeGreaterThan((second - first) * 1.5);
  for (const { error, context } of object.stage.errors) {
    expect(error).toMatchObject({ code: "NOT_MIGRATED" });
    expect(context).toEqual({ namespace: "jobs" });
  }
  await eventually(async () => expect(await object.alarm()).toBeNull());
});

it("a run that failed is thrown to the platform", async () => {
  const object = await brokenObject();
  await eventually(() => expect(object.stage.errors.length).toBeGreaterThanOrEqual(1));
  const alarm = object.within((jobs) => jobs.alarm());
  await expect(alarm).rejects.toMatchObject({ code: "NOT_MIGRATED" });
  expect(object.stage.errors.length).toBeGreaterThanOrEqual(2);
  await expect(object.within((jobs) => jobs.drain())).rejects.toMatchObject({ code: "NOT_MIGRATED" });
});

it("after a run that did not fail, the distances begin anew", async () => {
  const object = await brokenObject();
  await eventually(() => expect(object.stage.errors.length).toBeGreaterThanOrEqual(2));
  await mend(object);
  await object.within((jobs) => jobs.drain());
  expect(object.stage.ran).toEqual(["a 1"]);
  await object.within((_, { storage }) =>
    storage.sql.exec("ALTER TABLE sherd_lease RENAME TO sherd_lease_away"),
  );
  const failed = object.within((jobs) => jobs.drain());
  await expect(failed).rejects.toMatchObject({ code: "NOT_MIGRATED" });
  const at = (await object.alarm()) ?? 0;
  expect(at - Date.now()).toBeLessThanOrEqual(1_000);
});

it("an error handler that throws changes nothing", async () => {
  const heard: unknown[] = [];
  const onProcessError = (error: unknown) => {
    heard.push(error);
    throw new Error("The handler of errors fails, too.");
  };
  const object = await brokenObject({ dispatcher: { onProcessError } });
  await eventually(() => expect(heard.length).toBeGreaterThanOrEqual(1));
  await mend(object);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
});

it("an incarnation that cannot take back what the one before held tells of it, and does so once it can", async () => {
  const object = await brokenObject();
  await eventually(() => expect(object.stage.errors.length).toBeGreaterThanOrEqual(1));
  await object.abort();
  await eventually(() => expect(object.stage.errors.length).toBeGreaterThanOrEqual(2));
  await mend(object);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
});
