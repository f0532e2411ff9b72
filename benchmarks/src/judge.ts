/** From the samples of all rounds to medians, ratios and verdicts. */
import type { Sample } from "./measurement/measurement.ts";
import type { ContenderResult, ScenarioResult, TargetResult } from "./result.ts";
import type { Scenario, Target } from "./scenario.ts";
import { median } from "./statistics.ts";

export interface Measured {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly missing: string | null;
}

export function judge(scenario: Scenario, measured: readonly Measured[]): ScenarioResult {
  const { name, title, metric, also = [], targets } = scenario;
  const samplesOf = new Map(measured.map(({ name, samples }) => [name, samples]));
  const [first] = measured;
  const contenders = measured.map(({ name, samples, missing }): ContenderResult => {
    const ratios = ratiosOf(first?.samples ?? [], samples, metric.key);
    const firstOverThis = ratios.length === 0 ? null : median(ratios);
    return { name, samples, medians: mediansOf(samples), firstOverThis, missing };
  });
  return {
    name,
    title,
    metric,
    also,
    contenders,
    // One whose contender is not in this set has nothing to say.
    targets: targets
      .filter(({ of, over = of }) => samplesOf.has(of) && samplesOf.has(over))
      .map((target) => judgeTarget(target, target.metric?.key ?? metric.key, samplesOf)),
  };
}

function judgeTarget(
  target: Target,
  key: string,
  samplesOf: ReadonlyMap<string, readonly Sample[]>,
): TargetResult {
  const of = samplesOf.get(target.of) ?? [];
  const perRound =
    target.over === undefined
      ? of.flatMap((sample) => sample[key] ?? [])
      : ratiosOf(of, samplesOf.get(target.over) ?? [], key);
  if (perRound.length === 0) return { ...target, perRound, measured: null, verdict: "not measured" };
  const measured = median(perRound);
  const { bound } = target;
  if (bound === null) return { ...target, perRound, measured, verdict: "told" };
  const holds = "atLeast" in bound ? measured >= bound.atLeast : measured <= bound.atMost;
  return { ...target, perRound, measured, verdict: holds ? "holds" : "missed" };
}

/** Round by round, so that what slows a whole round down cancels out. */
function ratiosOf(of: readonly Sample[], over: readonly Sample[], key: string): readonly number[] {
  const rounds = Math.min(of.length, over.length);
  return Array.from(
    { length: rounds },
    (_, round) => (of[round]?.[key] ?? NaN) / (over[round]?.[key] ?? NaN),
  ).filter(Number.isFinite);
}

function mediansOf(samples: readonly Sample[]): Sample {
  const keys = [...new Set(samples.flatMap((sample) => Object.keys(sample)))];
  return Object.fromEntries(keys.map((key) => [key, median(samples.flatMap((sample) => sample[key] ?? []))]));
}
