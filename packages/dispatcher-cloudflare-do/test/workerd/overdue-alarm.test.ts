import { afterEach, expect, it, vi } from "vitest";
import { jobsObject } from "./object.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("an alarm that the platform has not rung in time is set anew, for now, whoever had set it", async () => {
  const object = jobsObject();
  const startedAt = Date.now();
  await object.within(async ({ jobs }, { storage }) => {
    await jobs.services.add(["timed"], { processAt: new Date(startedAt + 3_600_000) });
    await storage.setAlarm(startedAt + 600_000);
  });
  vi.setSystemTime(startedAt + 605_000);
  await object.fetch("/elsewhere");
  expect(await object.alarm()).toBe(startedAt + 600_000);
  vi.setSystemTime(startedAt + 620_000);
  await object.fetch("/elsewhere");
  const healed = await object.alarm();
  expect(healed).toBeGreaterThanOrEqual(startedAt + 620_000);
  expect(healed).toBeLessThanOrEqual(Date.now());
});
