/** `npm run simulate -- --seeds 10000`: the whole of Sherd under seeded schedules and faults, with its invariants. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Message, Range, SentReport } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    /** Run this seed alone: a replay. */
    seed: { type: "string" },
    steps: { type: "string", default: "30" },
    processes: { type: "string", default: "3" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

const startedAt = performance.now();
const reports = await runAll();
print(reports);
process.exitCode = reports.some(({ failure }) => failure !== null) ? 1 : 0;

async function runAll(): Promise<readonly SentReport[]> {
  const steps = whole("steps");
  const processes = whole("processes");
  if (values.seed !== undefined)
    return [await runInChild({ firstSeed: whole("seed"), seeds: 1, steps, processes }, () => {})];
  const seeds = whole("seeds");
  const jobs = Math.min(whole("jobs"), seeds);
  const done = Array<number>(jobs).fill(0);
  const ticker = setInterval(() => {
    const sum = done.reduce((total, count) => total + count, 0);
    console.log(`  ${sum} of ${seeds} seeds, ${elapsed()}`);
  }, 10_000);
  const runs = done.map((_, job) => {
    const firstSeed = 1 + Math.floor((seeds * job) / jobs);
    const count = Math.floor((seeds * (job + 1)) / jobs) + 1 - firstSeed;
    return runInChild({ firstSeed, seeds: count, steps, processes }, (finished) => (done[job] = finished));
  });
  const all = await Promise.all(runs);
  clearInterval(ticker);
  return all;
}

function runInChild(range: Range, onSeed: (done: number) => void): Promise<SentReport> {
  const child = fork(fileURLToPath(new URL("seeds.ts", import.meta.url)), [JSON.stringify(range)]);
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) =>
      "report" in message ? resolve(message.report) : onSeed(message.done),
    );
    child.on("exit", (code) => reject(new Error(`A process of the simulation ended with ${code}.`)));
  });
}

function print(all: readonly SentReport[]): void {
  const sum = (count: (report: SentReport) => number) =>
    all.reduce((total, report) => total + count(report), 0);
  const faults = new Map<string, number>();
  for (const [kind, count] of all.flatMap((report) => report.faults))
    faults.set(kind, (faults.get(kind) ?? 0) + count);
  const counts = `${sum(({ seeds }) => seeds)} seeds, ${sum(({ hooks }) => hooks)} hooks, ${sum(({ moves }) => moves)} steps`;
  console.log(`\n${counts}, ${elapsed()}\n\nfaults injected: ${faults.size} kinds`);
  for (const [kind, count] of [...faults].toSorted()) console.log(`  ${String(count).padStart(8)}  ${kind}`);
  const failures = all.flatMap(({ failure }) => failure ?? []);
  const broken = new Set<string>(
    failures.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)),
  );
  console.log("\ninvariants, checked after every step or at the end");
  for (const invariant of all[0]?.invariants ?? [])
    console.log(`  ${broken.has(invariant) ? "BROKEN" : "  held"}  ${invariant}`);
  for (const { seed, steps, violations, strikes, history } of failures) {
    console.log(
      `\nSeed ${seed} breaks an invariant. It needs ${steps} user actions and ${strikes} faults:\n\n${history.join("\n")}\n`,
    );
    for (const { invariant, what } of violations) console.log(`  ${invariant}: ${what}`);
    console.log(
      `\nReplay it: npm run simulate -- --seed ${seed} --steps ${steps} --processes ${values.processes}`,
    );
  }
}

function whole(name: "seeds" | "seed" | "steps" | "processes" | "jobs"): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`--${name} must be a whole number from 1 on, but is ${values[name]}.`);
  process.exit(2);
}

function elapsed(): string {
  return `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
}
