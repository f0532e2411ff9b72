/** `node benchmarks/src/write-page.ts`: have the documentation say what `results/latest.json` holds. */
import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import type { BenchmarkResult } from "./result.ts";
import { pageText, readmeLine } from "./report/page.ts";

const root = new URL("../../", import.meta.url);
const markers = /<!-- bench -->.*?<!-- \/bench -->/s;

const result = JSON.parse(
  await readFile(new URL("benchmarks/results/latest.json", root), "utf8"),
) as BenchmarkResult;
const page = new URL("docs/benchmarks.md", root);
const options = { ...(await resolveConfig(page)), parser: "markdown" };
await writeFile(page, await format(pageText(result), options));
const readme = new URL("README.md", root);
const text = await readFile(readme, "utf8");
await writeFile(readme, text.replace(markers, `<!-- bench -->${readmeLine(result)}<!-- /bench -->`));
