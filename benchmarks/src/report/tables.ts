import type { BenchmarkResult, ContenderResult, ScenarioResult, TargetResult } from "../result.ts";
import type { Metric } from "../scenario.ts";
import { metricText, numberText } from "./format.ts";

/** What everything ran on. */
export function headText({ machine, versions, settings, set, rounds }: BenchmarkResult): string {
  const { cpu, cores, memoryGiB, system, node, fileSystem, loadAverage } = machine;
  const pairs = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return [
    `machine    ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, files on ${fileSystem}, load ${loadAverage.toFixed(1)}`,
    `versions   ${pairs(versions).join(" · ")}`,
    `PostgreSQL ${pairs(settings.postgres).join(" · ")}`,
    `Redis      ${settings.redis}`,
    ...Object.entries(settings.systems).map(
      ([name, { tuned, defaults }]) =>
        `settings   ${name}: ${tuned === defaults ? tuned : `tuned ${tuned}; defaults ${defaults}`}`,
    ),
    `set        ${set}, median of ${rounds} rounds`,
  ].join("\n");
}

export function scenarioText({ title, metric, also, contenders }: ScenarioResult): string {
  const rows = contenders.map((contender, index) => contenderRow(contender, [metric, ...also], index === 0));
  const head = [
    "",
    metric.name,
    ...also.map(({ name }) => name),
    "rounds",
    `${contenders[0]?.name ?? ""} ÷ this`,
  ];
  return [title, ...aligned([head, ...rows])].join("\n");
}

function contenderRow(
  { name, samples, medians, firstOverThis, missing }: ContenderResult,
  metrics: readonly Metric[],
  isFirst: boolean,
): readonly string[] {
  const [first] = metrics;
  if (missing !== null || first === undefined) {
    return [name, ...metrics.map(() => "–"), "", `left out: ${missing?.split("\n")[0]}`];
  }
  const values = samples.map((sample) => numberText(sample[first.key] ?? NaN)).join("  ");
  const ratio = isFirst || firstOverThis === null ? "" : numberText(firstOverThis);
  return [name, ...metrics.map((metric) => metricText(medians[metric.key], metric)), values, ratio];
}

export function targetsText(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario) => scenario.targets.map((target) => targetRow(scenario, target)));
  if (rows.length === 0) return "";
  const targets = scenarios.flatMap((scenario) => scenario.targets);
  const count = (verdict: TargetResult["verdict"]) =>
    targets.filter((target) => target.verdict === verdict).length;
  return [
    ...aligned([["target", "", "bound", "measured", ""], ...rows]),
    "",
    `${count("holds")} hold, ${count("missed")} missed, ${count("not measured")} not measured`,
  ].join("\n");
}

export function targetRow({ name, metric }: ScenarioResult, target: TargetResult): readonly string[] {
  const { bound, what, measured, verdict, over } = target;
  const unit = over === undefined ? (target.metric ?? metric).unit : " ×";
  return [
    name,
    what,
    bound === null ? "–" : `${boundText(bound)}${unit}`,
    measured === null ? "–" : numberText(measured),
    verdict,
  ];
}

function boundText(bound: NonNullable<TargetResult["bound"]>): string {
  return "atLeast" in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
}

/** The first column to the left, the others as wide as their widest cell. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.reduce<number[]>(
    (widths, row) => row.map((cell, column) => Math.max(widths[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}
