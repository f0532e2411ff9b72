import { existsSync, readFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import type { BenchmarkResult } from "../result.ts";
import { pageText, readmeLine } from "./page.ts";

const root = new URL("../../../", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), "utf8");
const latest = "benchmarks/results/latest.json";

test("what the documentation quotes is what the committed result holds, with its machine", async () => {
  expect(existsSync(new URL(latest, root))).toBe(true);
  const result = JSON.parse(read(latest)) as BenchmarkResult;
  const page = new URL("docs/benchmarks.md", root);
  const options = { ...(await resolveConfig(page)), parser: "markdown" };
  expect(read("docs/benchmarks.md")).toBe(await format(pageText(result), options));
  expect(read("README.md")).toContain(`<!-- bench -->${readmeLine(result)}<!-- /bench -->`);
  expect(read("docs/benchmarks.md")).toContain(result.machine.cpu);
});

test("the README quotes no other rate", () => {
  const quoted = read("README.md").replace(/<!-- bench -->.*?<!-- \/bench -->/s, "");
  expect(quoted).not.toMatch(/[\d,]+ hooks\/s|\d ×/);
});
