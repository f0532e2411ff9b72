import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { warehouses } from "../src/api/catalogue.ts";
import { Scene } from "./scene.ts";

const options = { timeout: 60_000 };
const pages = warehouses.reduce((sum, warehouse) => sum + warehouse.pages, 0);
const result = `warehouses=50 pages=${pages} rereadAfterCheckpoint=0 lostPages=0`;

test("what a killed process has checkpointed is not read again, and nothing is lost", options, async () => {
  await using scene = await new Scene().open();
  await using first = scene.start();
  await scene.requests(150, first);
  first.signal("SIGKILL");
  expect(await first.ended).toBe("SIGKILL");

  const killed = await scene.inspect();
  expect(killed).toMatchObject({ rereadAfterCheckpoint: 0, lostPages: 0 });
  expect(killed.held).toBeGreaterThan(0);
  expect(killed.pages).toBeGreaterThan(50);

  await using second = scene.start();
  expect(await second.ended).toBe(0);
  const later = scene.api.log.filter(({ id }) => id > killed.requests);
  expect(later.filter(({ warehouse, page }) => page <= (killed.done.get(warehouse) ?? 0))).toEqual([]);
  expect(await scene.inspect()).toMatchObject({ pages, rereadAfterCheckpoint: 0, lostPages: 0 });
  expect(second.lastLine).toBe(result);
});

test("SIGTERM gives back what is under way, and the next process goes on at once", options, async () => {
  await using scene = await new Scene().open();
  await using first = scene.start({ LEASE_MS: "600000", SHUTDOWN_MS: "1" });
  await scene.requests(150, first);
  first.signal("SIGTERM");
  expect(await first.ended).toBe(0);
  expect(first.lastLine).toMatch(/^warehouses=\d+ pages=\d+ rereadAfterCheckpoint=0 lostPages=0$/);
  expect(await scene.inspect()).toMatchObject({ held: 0 });

  await using second = scene.start();
  expect(await second.ended).toBe(0);
  expect(second.lastLine).toBe(result);
});

test("`npm start` kills its own process in the middle, and ends with the result", options, async () => {
  const script = fileURLToPath(new URL("../src/main-job.ts", import.meta.url));
  const job = await promisify(execFile)(process.execPath, ["--conditions=@sherd/source", script]);
  expect(job.stdout).toContain("killed with SIGKILL");
  expect(job.stdout.trimEnd().split("\n").at(-1)).toBe(result);
});
