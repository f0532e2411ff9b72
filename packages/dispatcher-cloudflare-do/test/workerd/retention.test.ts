import { afterEach, expect, it, vi } from "vitest";
import { eventually, jobsObject } from "./object.ts";

const minuteMs = 60_000;

afterEach(() => {
  vi.useRealTimers();
});

it("alarms prune the finished hooks whose retention has passed, at most once an hour", async () => {
  const object = jobsObject({ hooks: { retention: { completedMs: 30 * minuteMs } } });
  const completed = () => object.within(async ({ jobs }) => (await jobs.hooks.count()).completed);
  const runOne = async (label: string) => {
    await object.within(({ jobs }) => jobs.services.add([label]));
    await object.ring();
    await eventually(() => expect(object.stage.ran).toContain(`${label} 1`));
    await eventually(async () => expect(await object.alarm()).toBeNull());
  };
  const startedAt = Date.now();
  await runOne("a");
  vi.setSystemTime(startedAt + 45 * minuteMs);
  await runOne("b");
  expect(await completed()).toBe(2);
  await object.abort();
  vi.setSystemTime(startedAt + 70 * minuteMs);
  await runOne("c");
  expect(await completed()).toBe(2);
  expect(
    await object.within(async ({ jobs }) => (await jobs.hooks.list({ status: "completed" })).hooks),
  ).toHaveLength(2);
});
