/** All rounds of one scenario: in each round every contender once, each in a process and a database of its own. */
import { type Measured, judge } from "./judge.ts";
import { measureInProcess } from "./measurement/measure.ts";
import { abilitiesFor, type Measurement, type Sample } from "./measurement/measurement.ts";
import { sampleText } from "./report/format.ts";
import type { ScenarioResult } from "./result.ts";
import type { Contender, Scenario } from "./scenario.ts";
import type { Places } from "./server/places.ts";
import { systemNamed } from "./systems.ts";

export interface RunOptions {
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly places: Places;
  readonly log: (line: string) => void;
}

type Tally = { -readonly [Key in keyof Measured]: Measured[Key] } & { samples: Sample[] };

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { contenders, rounds, places, log } = options;
  const tallies = new Map<Contender, Tally>();
  for (const contender of contenders) {
    tallies.set(contender, { name: contender.name, samples: [], missing: await whyNot(contender, places) });
  }
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first in one round comes later in the next.
    const order = [
      ...contenders.slice(round % contenders.length),
      ...contenders.slice(0, round % contenders.length),
    ];
    for (const contender of order) {
      const tally = tallies.get(contender);
      if (tally === undefined || tally.missing !== null) continue;
      const startedAt = performance.now();
      try {
        const sample = await measure(contender, places);
        tally.samples.push(sample);
        const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
        log(
          `  ${scenario.name} ${round + 1}/${rounds}  ${contender.name.padEnd(44)} ${sampleText(sample)} (${seconds} s)`,
        );
      } catch (error) {
        tally.missing = error instanceof Error ? error.message.trim() : String(error);
        tally.samples = [];
        log(`  ${scenario.name} ${round + 1}/${rounds}  ${contender.name} failed: ${tally.missing}`);
      }
    }
  }
  return judge(scenario, [...tallies.values()]);
}

async function whyNot({ system: name, measurement }: Contender, places: Places): Promise<string | null> {
  const system = await systemNamed(name);
  const cannot = abilitiesFor(measurement).flatMap((ability) => system.cannot[ability] ?? []);
  return places.missing(system.backend) ?? cannot[0] ?? null;
}

async function measure({ system: name, measurement }: Contender, places: Places): Promise<Sample> {
  const { backend } = await systemNamed(name);
  const isCounted =
    measurement.kind === "idle" || (measurement.kind === "drain" && measurement.isCounted === true);
  const beside = measurement.kind === "drain" ? measurement.beside : undefined;
  const options = beside === undefined ? {} : { aged: { system: name, beside, age: aging(name, beside) } };
  return places.with(backend, { counts: isCounted ? "top" : "none", ...options }, (place) =>
    measureInProcess({ system: name, place, measurement }),
  );
}

function aging(system: Contender["system"], beside: { readonly completed: number; readonly future: number }) {
  const measurement: Measurement = { kind: "age", ...beside };
  return (place: Parameters<typeof measureInProcess>[0]["place"]) =>
    measureInProcess({ system, place, measurement });
}
