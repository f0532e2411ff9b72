import { join } from "node:path";
import { checkHistory, type FoundHook } from "../../src/crash/check-history.ts";
import type { Children } from "./child.ts";
import type { Databases } from "./databases.ts";
import { finish, type Finished } from "./finish.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import type { Boundary } from "./seam.ts";
import { historyOf } from "./snapshot.ts";

/** One death, and what came of it. */
export interface Row extends Boundary {
  readonly scenario: string;
  /** The hooks that the next process found, and how they ended: `1 processing → 1 completed, 1 lost`. */
  readonly result: string;
  /** What was broken; empty when every promise was kept. */
  readonly violations: readonly string[];
}

export interface Matrix {
  readonly rows: readonly Row[];
  /** Every statement that a process of any scenario sent. */
  readonly sent: ReadonlySet<string>;
}

/** So many processes at a time: one dies while another one waits for a lease. */
const lanes = 4;

/** Kill a process at every boundary of every scenario, one after the other, and have another one finish its work. */
export async function runMatrix(children: Children, databases: Databases): Promise<Matrix> {
  const dialect = databases.kind === "SQLite" ? "sqlite" : "postgres";
  const played = scenarios.filter(({ only }) => only === undefined || only === dialect);
  const sent = new Set<string>();
  const deaths = await inLanes(played, async (scenario) => {
    const passed = await databases.use(
      (location) => live(children, location, scenario),
      scenario.startsEmpty,
    );
    for (const { statement } of passed.all) sent.add(statement);
    return passed.since.filter((death) => isAbout(scenario, death)).map((death) => ({ scenario, death }));
  });
  const rows = await inLanes(deaths.flat(), ({ scenario, death }) =>
    databases.use((location) => die(children, databases, location, scenario, death), scenario.startsEmpty),
  );
  return { rows, sent };
}

/** Which boundaries are there to die at. */
async function live(children: Children, location: string, { name }: Scenario) {
  const acted = await children.act({ location, journal: journalIn(children), scenario: name, death: null });
  if (acted === null) throw new Error(`"${name}" was not told to die, and died.`);
  return {
    since: acted.passed,
    all: [...acted.passed, ...acted.prepared.map((statement) => ({ statement }))],
  };
}

async function die(
  children: Children,
  databases: Databases,
  location: string,
  scenario: Scenario,
  death: Boundary,
): Promise<Row> {
  const journal = journalIn(children);
  const row = { scenario: scenario.name, ...death };
  if ((await children.act({ location, journal, scenario: scenario.name, death })) !== null) {
    return { ...row, result: "lived on", violations: ["the process did not come to the boundary"] };
  }
  await databases.released(location);
  try {
    const finished = await finish(location, journal);
    return {
      ...row,
      result: resultOf(finished),
      violations: violationsOf(finished, journal, scenario, death),
    };
  } catch (error) {
    return { ...row, result: "not finished", violations: [String(error)] };
  }
}

function journalIn({ folder }: Children): string {
  return join(folder, `${crypto.randomUUID()}.journal`);
}

function isAbout({ about }: Scenario, { statement }: Boundary): boolean {
  return about.some((what) => statement === what || statement.startsWith(`${what}/`));
}

function violationsOf(
  { found, left, applied }: Finished,
  journal: string,
  { startsEmpty = false }: Scenario,
  { statement, phase }: Boundary,
): readonly string[] {
  const isMigrated = found !== null;
  const shouldBe =
    !startsEmpty ||
    ((statement === "transaction/commit" || statement === "migrate/commit") && phase === "after");
  return [
    ...checkHistory(historyOf(left, journal)),
    ...applied.map((tag) => `migrations complete once: ${tag} was applied again`),
    ...(isMigrated === shouldBe ? [] : ["a migration is there if and only if it was committed"]),
  ];
}

function resultOf({ found, left }: Finished): string {
  const before = found === null ? "no tables" : describe(found.hooks);
  return `${before} → ${describe(left.hooks)}`;
}

function describe(hooks: readonly FoundHook[]): string {
  const lost = hooks.reduce((sum, hook) => sum + hook.lost, 0);
  const statuses = hooks.map(({ status }) => status).toSorted();
  const counts = [...new Set(statuses)].map(
    (status) => `${statuses.filter((one) => one === status).length} ${status}`,
  );
  if (counts.length === 0) return "no hook";
  return [...counts, ...(lost === 0 ? [] : [`${lost} lost`])].join(", ");
}

async function inLanes<T, R>(inputs: readonly T[], run: (input: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...inputs.entries()];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, input] = next;
      results[index] = await run(input);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
