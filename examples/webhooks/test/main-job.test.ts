import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { Job } from "./job.ts";

const result = /\ncommitted=180 delivered=180 lost=0 leaked=0 duplicates=[1-9]\d*\n$/;
const options = { timeout: 60_000 };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "main-job-"));
});

afterEach(() => rm(directory, { recursive: true }));

test("on SQLite nothing is lost, nothing leaks, and no file is left behind", options, async () => {
  await using job = new Job(directory);

  expect(await job.ended()).toBe(0);
  expect(job.output).toMatch(result);
  expect(await readdir(directory)).toEqual([]);
});

test("on PostgreSQL nothing is lost and nothing leaks", options, async () => {
  await using job = new Job(directory, [], inject("postgresUrl"));

  expect(await job.ended()).toBe(0);
  expect(job.output).toMatch(result);
});

test("Ctrl-C ends it in the middle, and no file is left behind", options, async () => {
  await using job = new Job(directory);
  await job.printed(/killed with SIGKILL/);
  job.interrupt();

  expect(await job.ended()).toBe(130);
  expect(job.output).not.toMatch(result);
  expect(await readdir(directory)).toEqual([]);
});

test("with --serve, what the printed command orders is delivered, until Ctrl-C", options, async () => {
  await using job = new Job(directory, ["--serve"]);
  const [, url = "", body = ""] = await job.printed(/curl (\S+\/orders) .* -d '(.*)'\n/);
  const headers = { "content-type": "application/json" };
  const { status } = await fetch(url, { method: "POST", headers, body });
  await job.printed(/attempt 1: accepted/);
  job.interrupt();

  expect(status).toBe(201);
  expect(await job.ended()).toBe(0);
  expect(await readdir(directory)).toEqual([]);
});
