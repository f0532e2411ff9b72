/** `npm run bench`: Sherd beside its peers and beside SQL written by hand, on this machine. */
import { mkdir, writeFile } from "node:fs/promises";
import { type Arguments, readArguments, usage } from "./arguments.ts";
import { profile } from "./profile.ts";
import { chart } from "./report/chart.ts";
import { describeMachine, versionsOf } from "./report/machine.ts";
import { headText, scenarioText, targetsText } from "./report/tables.ts";
import type { BenchmarkResult, ScenarioResult } from "./result.ts";
import { runScenario } from "./run-scenario.ts";
import type { Contender } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { type BenchmarkPostgres, startBenchmarkPostgres } from "./server/postgres.ts";
import { Places } from "./server/places.ts";
import { redisSettings, redisVersion } from "./server/redis.ts";
import { shrink } from "./shrink.ts";
import { systemNamed } from "./systems.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
const given = readArguments(process.argv.slice(2));
if (typeof given === "string") {
  console.error(`${given}\n\n${usage}`);
  process.exitCode = 2;
} else if (given.profile !== null) {
  await profile(given.profile, given.divide);
} else {
  await benchmark(given);
}

async function benchmark(args: Arguments): Promise<void> {
  const startedAt = new Date();
  const postgres = await startBenchmarkPostgres();
  try {
    const chosen = chosenScenarios(args);
    const head = await describeRun(
      args,
      startedAt,
      postgres,
      chosen.flatMap(({ contenders }) => contenders),
    );
    console.log(headText(head));
    const results: ScenarioResult[] = [];
    const places = new Places(postgres);
    for (const { scenario, contenders } of chosen) {
      console.log(`\n${scenario.name}: ${scenario.title}`);
      const rounds = scenario.isCounted && args.set === "short" ? 1 : args.rounds;
      const options = { contenders, rounds, places, log: console.log };
      results.push(await runScenario(scenario, options));
    }
    for (const result of results) console.log(`\n${scenarioText(result)}`);
    console.log(`\n${targetsText(results)}`);
    const tookSeconds = Math.round((Date.now() - startedAt.getTime()) / 1_000);
    console.log(`\n${tookSeconds} s`);
    await store({ ...head, tookSeconds, scenarios: results }, args);
  } finally {
    await postgres.stop();
  }
}

function chosenScenarios({ set, only, systems, divide }: Arguments) {
  return scenarios
    .filter(({ name, sets }) => (only.length > 0 ? only.includes(name) : (sets ?? [set]).includes(set)))
    .map((scenario) => {
      const contenders = scenario
        .contenders(set)
        .filter(({ sets = [set] }) => sets.includes(set))
        .filter(({ system }) => systems.length === 0 || systems.includes(system));
      const divided = contenders.map((contender): Contender => ({
        ...contender,
        measurement: shrink(contender.measurement, divide),
      }));
      return { scenario, contenders: divided };
    });
}

async function describeRun(
  { set, rounds }: Arguments,
  startedAt: Date,
  postgres: BenchmarkPostgres,
  contenders: readonly Contender[],
): Promise<BenchmarkResult> {
  const names = [...new Set(contenders.map(({ system }) => system))];
  const systems = await Promise.all(names.map(systemNamed));
  const redis = redisVersion();
  return {
    startedAt: startedAt.toISOString(),
    tookSeconds: 0,
    set,
    rounds,
    machine: describeMachine(),
    versions: versionsOf(systems),
    settings: {
      postgres: await postgres.settings(),
      redis: redis === null ? "not installed" : `${redis} ${redisSettings}`,
      systems: Object.fromEntries(systems.map(({ name, settings }) => [name, settings])),
    },
    scenarios: [],
  };
}

async function store(result: BenchmarkResult, { isQuoted }: Arguments): Promise<void> {
  const results = new URL("../results/", import.meta.url);
  const [data, picture] = isQuoted
    ? [new URL("latest.json", results), new URL("../../docs/benchmarks.svg", import.meta.url)]
    : [new URL("local.json", results), new URL("local.svg", results)];
  await mkdir(results, { recursive: true });
  await writeFile(data, `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(picture, chart(result));
}
