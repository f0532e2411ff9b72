import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { measureInProcess } from "./measure.ts";

async function place() {
  const directory = await mkdtemp(join(tmpdir(), "sherd-measure-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return { url: join(directory, "bench.db"), adminUrl: null };
}

test("a process drains Sherd's hooks, each once", { timeout: 30_000 }, async () => {
  const measurement = { kind: "drain", mode: "tuned", count: 300 } as const;
  const sample = await measureInProcess({ system: "sherdSqlite", place: await place(), measurement });
  expect(sample).toEqual({ perSecond: expect.any(Number), repeated: 0 });
});

test("a hook's start is timed beside a flood of another namespace", { timeout: 30_000 }, async () => {
  const measurement = { kind: "latency", perSecond: 50, seconds: 1, flood: 200 } as const;
  const sample = await measureInProcess({ system: "sherdSqlite", place: await place(), measurement });
  expect(sample).toMatchObject({ medianMs: expect.any(Number), neverStarted: 0 });
  expect(sample["floodPerSecond"]).toBeGreaterThan(0);
});

test("what a measuring process dies of is told", { timeout: 30_000 }, async () => {
  const measurement = { kind: "trigger", verb: "write", count: 1, parallel: 1 } as const;
  const measured = measureInProcess({ system: "nodeSqlite", place: await place(), measurement });
  await expect(measured).rejects.toThrow("neither offers write");
});
