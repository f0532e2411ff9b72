/**
 * `npm start`, `npm test` and `npm run check`, `simulate` or `bench`, from a fresh clone on any Node: what is too old or missing is
 * fetched through npx, dependencies are installed by pnpm's `verifyDepsBeforeRun`. Plain JavaScript that Node 20 can run.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const checks = ["typecheck", "lint", "format:check", "knip", "build", "check:packages"];
const programs = {
  start: "examples/webhooks/src/main-job.ts",
  simulate: "packages/testing/test/simulator/run.ts",
  bench: "benchmarks/src/main.ts",
};

const root = fileURLToPath(new URL("..", import.meta.url));
const [command, ...args] = process.argv.slice(2);
process.env.TURBO_TELEMETRY_DISABLED = "1";
process.exitCode = await main();

async function main() {
  if (!toolsAreCurrent()) process.env.PATH = pathWithTools();
  if (!existsSync(join(root, "node_modules"))) console.log("Installing dependencies, this once…");
  // Any command at the root installs what is out of date.
  if ((await run("pnpm", ["exec", "node", "--eval", ""])) !== 0) return 1;
  if (command in programs) return run("node", ["--conditions=@sherd/source", programs[command], ...args]);
  // Arguments select tests: `npm test -- packages/core`.
  const names = args.length > 0 ? [] : checks;
  const failed = await failing(names);
  if (command === "check") return failed.length;
  return report(await tests(), { passed: names.length - failed.length, failed: failed.length });
}

function toolsAreCurrent() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 18)) return false;
  try {
    return execFileSync("pnpm", ["--version"], { cwd: tmpdir(), encoding: "utf8" }).startsWith("12.");
  } catch {
    return false;
  }
}

function pathWithTools() {
  console.log("Fetching Node 24 and pnpm 12 with npx…");
  const npx = ["--yes", "--prefer-offline", "-p", "node@24", "-p", "pnpm@12", "--"];
  const stdio = ["ignore", "pipe", "inherit"];
  return execFileSync("npx", [...npx, "node", "--print", "process.env.PATH"], {
    stdio,
    encoding: "utf8",
  }).trim();
}

async function failing(names) {
  const failed = [];
  for (const name of names) {
    console.log(`\n▸ ${name}`);
    if ((await run("pnpm", ["--silent", "run", name])) !== 0) failed.push(name);
  }
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}`);
  return failed;
}

async function tests() {
  const directory = mkdtempSync(join(tmpdir(), "sherd-test-"));
  const outputFile = join(directory, "result.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`];
  const code = await run("pnpm", ["--silent", "exec", "vitest", "run", ...reporters, ...args]);
  const result = existsSync(outputFile) ? JSON.parse(readFileSync(outputFile, "utf8")) : {};
  rmSync(directory, { recursive: true });
  // A file that does not load has no failed test, and yet the run failed.
  const failed = Math.max(result.numFailedTests ?? 0, code === 0 ? 0 : 1);
  printConformance(result.testResults ?? []);
  return { passed: result.numPassedTests ?? 0, failed };
}

/** How many guarantees each adapter and dispatcher was held to, and from how many of them it deviates. */
function printConformance(files) {
  const counts = new Map();
  for (const { assertionResults } of files.filter(({ name }) => name.endsWith("/conformance.test.ts"))) {
    for (const { ancestorTitles, title } of assertionResults) {
      const count = counts.get(ancestorTitles[0]) ?? { cases: 0, deviations: 0 };
      const isDeviation = title.includes(" — deviates: ");
      counts.set(ancestorTitles[0], {
        cases: count.cases + 1,
        deviations: count.deviations + Number(isDeviation),
      });
    }
  }
  if (counts.size > 0) console.log("\nconformance");
  for (const [name, { cases, deviations }] of counts) {
    console.log(`  ${String(cases).padStart(4)} cases, ${deviations} deviations  ${name}`);
  }
}

function report(...counts) {
  const [passed, failed] = ["passed", "failed"].map((key) =>
    counts.reduce((sum, count) => sum + count[key], 0),
  );
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function run(program, programArguments) {
  const child = spawn(program, programArguments, { cwd: root, stdio: "inherit" });
  // A terminal sends SIGINT to the child itself. Whatever arrives, the child decides when to end.
  const passOn = (signal) => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal));
  process.on("SIGINT", passOn).on("SIGTERM", passOn);
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("exit", (code) => {
      process.off("SIGINT", passOn).off("SIGTERM", passOn);
      resolve(code ?? 1);
    });
  });
}
