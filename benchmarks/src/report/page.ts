/** What the documentation says of a result: the page of benchmarks, and the README's one line. */
import type { BenchmarkResult, ContenderResult, ScenarioResult } from "../result.ts";
import { metricText, numberText } from "./format.ts";
import { targetRow } from "./tables.ts";

export function pageText(result: BenchmarkResult): string {
  const { machine, startedAt, rounds } = result;
  const { cpu, cores, memoryGiB, system, node } = machine;
  return `# Benchmarks

Sherd beside its peers, and beside SQL written by hand, in one run on one machine. This page is written by that run, from
\`benchmarks/results/latest.json\`; \`benchmarks/README.md\` says how it measures and what each contender was given.

\`\`\`sh
npm run bench             # a short set, a few minutes
npm run bench -- --full   # all of it, at full counts
\`\`\`

The ${result.set} set, measured on ${startedAt.slice(0, 10)} on ${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}; medians of
${rounds} rounds. Compare ratios rather than rates: machines differ, and what slows one contender slows the others.

![Rates of draining and of triggering hooks](benchmarks.svg)

## Targets

${table([["", "", "bound", "measured", ""], ...result.scenarios.flatMap((scenario) => scenario.targets.map((target) => targetRow(scenario, target)))])}

## Figures

${result.scenarios.map(scenarioSection).join("\n\n")}

## Versions

${Object.entries(result.versions)
  .map(([name, version]) => `${name} ${version}`)
  .join(" · ")}
`;
}

/** Beside its links: the rates that a reader asks for first. */
export function readmeLine(result: BenchmarkResult): string {
  const drain = result.scenarios.find(({ name }) => name === "drain");
  const rate = drain?.contenders[0]?.medians[drain.metric.key];
  const over = (name: string) =>
    numberText(drain?.contenders.find((contender) => contender.name === name)?.firstOverThis ?? NaN);
  const { cores, cpu } = result.machine;
  return (
    `One worker drains ${numberText(rate ?? NaN)} hooks/s on PostgreSQL, ${over("graphile-worker")} × graphile-worker and ` +
    `${over("pg-boss")} × pg-boss in the same run (${cores} cores of ${cpu}): [benchmarks](docs/benchmarks.md).`
  );
}

function scenarioSection({ name, title, metric, also, contenders }: ScenarioResult): string {
  const metrics = [metric, ...also];
  const first = contenders[0]?.name ?? "";
  const row = ({ name: contender, medians, firstOverThis, missing }: ContenderResult, index: number) => [
    contender,
    ...metrics.map((one) => (missing === null ? metricText(medians[one.key], one) : "–")),
    index === 0 || firstOverThis === null ? "" : numberText(firstOverThis),
  ];
  const head = ["", ...metrics.map((one) => one.name), `${first} ÷ this`];
  const left = contenders.flatMap(({ name: contender, missing }) =>
    missing === null ? [] : [`${contender} was left out: ${missing.split("\n")[0]}`],
  );
  const notes = left.length === 0 ? "" : `\n\n${left.join(" ")}`;
  return `### ${name}\n\n${title}.\n\n${table([head, ...contenders.map(row)])}${notes}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}
