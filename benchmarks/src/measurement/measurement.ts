/** What one process measures on one system, in words that can be sent to it. */
import type { Ability, Fleet, Mode } from "../system.ts";

export type Measurement = Drain | Trigger | Together | Latency | Idle | Age | Subjects;

/** Trigger `count` hooks, then measure from the start of the workers until the last one has ended in the database. */
export interface Drain {
  readonly kind: "drain";
  readonly mode: Mode;
  readonly count: number;
  /** How long handlers take, by their number; absent: they are no-ops with an empty payload. */
  readonly sleepMs?: readonly [shortest: number, longest: number];
  readonly fleet?: Fleet;
  /** So many worker processes, instead of one within the measuring process. */
  readonly processes?: number;
  /** The rows beside them, which `age` has left in the database. */
  readonly beside?: Beside;
  /** Hold another session's snapshot open from before the triggers on. */
  readonly holdsSnapshot?: boolean;
  /** Count statements, transactions, WAL and dead tuples; the clock then is not to be trusted. */
  readonly isCounted?: boolean;
  /** Write a CPU profile of the drain to this path. */
  readonly profileTo?: string;
}

export interface Beside {
  readonly completed: number;
  readonly future: number;
}

/** Call one verb `count` times, `parallel` at a time. */
export interface Trigger {
  readonly kind: "trigger";
  readonly verb: "trigger" | "triggerBesideWrite" | "write";
  readonly count: number;
  readonly parallel: number;
}

/** Trigger `size` hooks in one transaction, `times` times in a row. */
export interface Together {
  readonly kind: "together";
  readonly size: number;
  readonly times: number;
}

/** Trigger one hook after the other at a steady rate, while workers of another process wait for them. */
export interface Latency {
  readonly kind: "latency";
  readonly perSecond: number;
  readonly seconds: number;
  /** Only while workers of a third process drain so many no-op hooks of another namespace, as often as it takes. */
  readonly flood?: number;
}

/** Watch workers that have nothing to do. */
export interface Idle {
  readonly kind: "idle";
  readonly seconds: number;
  /** The interval of the backstop poll, for a system that promises to be silent between two of them. */
  readonly pollMs?: number;
}

/** Fill a database with rows that a drain will find beside its own. */
export interface Age extends Beside {
  readonly kind: "age";
}

/** Claim and complete subjects, `batch` at a time, until `turns` are over; all are due all the time, the oldest first. */
export interface Subjects {
  readonly kind: "subjects";
  readonly subjects: number;
  readonly batch: number;
  readonly turns: number;
}

/** Numbers by name; what a measurement could not count is left out. */
export type Sample = Readonly<Record<string, number>>;

/** What a measurement asks of a system. */
export function abilitiesFor(measurement: Measurement): readonly Ability[] {
  switch (measurement.kind) {
    case "trigger":
      return measurement.verb === "trigger" ? ["trigger"] : ["triggerBesideWrite"];
    case "together":
      return ["triggerTogether"];
    case "latency":
      return [
        "trigger",
        "work",
        "waiting",
        ...(measurement.flood === undefined ? [] : (["otherProcess"] as const)),
      ];
    case "idle":
      return ["work", "waiting"];
    case "age":
      return ["work", "dueLater"];
    case "subjects":
      return ["subjects"];
    case "drain":
      return [
        "work",
        ...(measurement.mode === "defaults" ? (["defaults"] as const) : []),
        ...((measurement.fleet?.workers ?? 1) > 1 ? (["manyWorkers"] as const) : []),
        ...(measurement.processes === undefined ? [] : (["otherProcess"] as const)),
        ...(measurement.beside === undefined ? [] : (["dueLater"] as const)),
      ];
  }
}
