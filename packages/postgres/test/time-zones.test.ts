import { eventually } from "@sherd/testing";
import { expect, test } from "vitest";
import { createDatabase, drivers } from "./databases.ts";
import { claim, completed, enqueue, retriedAt } from "./queues.ts";

const zones = ["America/New_York", "Asia/Kolkata"];
const cases = zones.flatMap((zone) =>
  (["url", "node-postgres"] as const).map((driver) => [zone, driver] as const),
);

test.each(cases)("a server in %s keeps the same times, over %s", async (TimeZone, driver) => {
  const { url, drop } = await createDatabase({ TimeZone, DateStyle: "German" });
  const { adapter, close } = drivers[driver](url, { listen: false });
  await adapter.migrator.apply([adapter.migrator.kernel]);
  const { storage } = adapter;
  const now = Date.now();
  const near = (time: number | null | undefined) => Math.abs((time ?? 0) - now) < 60_000;

  const [ready, later, soon] = (await enqueue(
    adapter,
    "q",
    {},
    { dueAt: now + 3_600_000.5 },
    { dueAt: now + 50 },
  )) as [string, string, string];
  expect((await storage.get("q", later))?.dueAt).toBe(now + 3_600_001);
  const [item] = await claim(adapter, "q");
  expect(item).toMatchObject({ id: ready });
  expect(near(item?.createdAt)).toBe(true);
  await storage.settle("q", item === undefined ? [] : [completed(item)]);
  expect(near((await storage.get("q", ready))?.finishedAt)).toBe(true);

  await eventually(async () => (await storage.sweep("q", 10, 3)).promoted === 1, { withinMs: 5000 });
  const [retried] = await claim(adapter, "q");
  expect(retried?.id).toBe(soon);
  await storage.settle("q", retried === undefined ? [] : [retriedAt(retried, 7_200_000)]);
  expect(near(((await storage.get("q", soon))?.dueAt ?? 0) - 7_200_000)).toBe(true);
  await storage.closeLeases([item?.lease, retried?.lease].filter((lease) => lease !== undefined));
  const wake = (await storage.nextWakeInMs("q", ["deliver"])) ?? 0;
  expect(wake > 3_500_000 && wake <= 3_600_001).toBe(true);
  expect(await storage.prune("q", "completed", 60_000, 10)).toBe(0);
  await close();
  await drop();
});
