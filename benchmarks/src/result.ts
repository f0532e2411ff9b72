/** What a run leaves behind, for people and programs; `results/latest.json` holds one. */
import type { Sample } from "./measurement/measurement.ts";
import type { Machine } from "./report/machine.ts";
import type { Metric, SetName, Target } from "./scenario.ts";
import type { Mode } from "./system.ts";

export interface BenchmarkResult {
  readonly startedAt: string;
  readonly tookSeconds: number;
  readonly set: SetName;
  readonly rounds: number;
  readonly machine: Machine;
  /** The commit of Sherd, and the installed version of everything else, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: {
    readonly postgres: Readonly<Record<string, string>>;
    readonly redis: string;
    readonly systems: Readonly<Record<string, Readonly<Record<Mode, string>>>>;
  };
  readonly scenarios: readonly ScenarioResult[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly metric: Metric;
  readonly also: readonly Metric[];
  readonly contenders: readonly ContenderResult[];
  readonly targets: readonly TargetResult[];
}

export interface ContenderResult {
  readonly name: string;
  /** One a round. */
  readonly samples: readonly Sample[];
  /** Of each metric over the rounds. */
  readonly medians: Sample;
  /** The first contender's metric over this one's: the median of the rounds' ratios; null where one was not measured. */
  readonly firstOverThis: number | null;
  /** Why there are no samples; null when there are. */
  readonly missing: string | null;
}

export interface TargetResult extends Target {
  /** One a round. */
  readonly perRound: readonly number[];
  /** The median of the rounds; null when something was not measured. */
  readonly measured: number | null;
  readonly verdict: "holds" | "missed" | "told" | "not measured";
}
