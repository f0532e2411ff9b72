/** One row of the table of targets: who is measured how, and what must come out. */
import type { Measurement } from "./measurement/measurement.ts";
import type { SystemName } from "./systems.ts";

/** The short set is for a look of a few minutes; numbers that are quoted come from the full one. */
export type SetName = "short" | "full";

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** The sets that it belongs to; absent: both. */
  readonly sets?: readonly SetName[];
  /** The metric by which contenders are compared. */
  readonly metric: Metric;
  /** Others that are printed beside it. */
  readonly also?: readonly Metric[];
  /** Counters hardly vary, so that one round of the short set will do. */
  readonly isCounted?: boolean;
  contenders(set: SetName): readonly Contender[];
  readonly targets: readonly Target[];
}

export interface Contender {
  /** Unique within the scenario. */
  readonly name: string;
  readonly system: SystemName;
  readonly measurement: Measurement;
  readonly sets?: readonly SetName[];
}

/** For contenders without which the short set says enough. */
export const fullOnly = { sets: ["full"] } as const;

export interface Target {
  readonly what: string;
  /** The contender that must meet it. */
  readonly of: string;
  /** The contender whose metric is the divisor, round by round; absent: the metric itself is bounded. */
  readonly over?: string;
  /** Absent: the scenario's. */
  readonly metric?: Metric;
  /** Null: nothing must come out, the number is only told. */
  readonly bound: { readonly atLeast: number } | { readonly atMost: number } | null;
}

export interface Metric {
  readonly name: string;
  /** Its key in a sample. */
  readonly key: string;
  readonly unit: string;
}

export const rate: Metric = { name: "rate", key: "perSecond", unit: "/s" };
