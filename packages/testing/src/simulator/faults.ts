import type { Random } from "./random.ts";

/** What can go wrong, by its name in the report; the number is how likely it is at each occasion. */
export const faultRates = {
  // At a statement of a process.
  "crash before a statement": 0.002,
  "crash after a statement": 0.002,
  "crash before a commit": 0.004,
  "crash after a commit": 0.004,
  "statement fails": 0.006,
  "statement answers, and the connection is lost": 0.004,
  "commit fails": 0.006,
  "commit takes effect, and nobody hears of it": 0.008,
  // At a step of the schedule.
  "crash between steps": 0.004,
  "freeze past the lease": 0.004,
  "freeze for a moment": 0.006,
  "database away": 0.002,
  "clock jumps ahead": 0.003,
  "clock jumps back": 0.003,
  "SIGTERM with time": 0.003,
  "SIGTERM without time": 0.003,
  // At a start of a process.
  "clock skewed ahead": 0.25,
  "clock skewed back": 0.25,
  "older release": 0.2,
  "slow start": 0.3,
  // At a wake-up.
  "wake-up lost": 0.15,
  "wake-up doubled": 0.1,
  "wake-up late": 0.2,
} as const satisfies Record<string, number>;

export type FaultKind = keyof typeof faultRates;

export const faultKinds = Object.keys(faultRates) as readonly FaultKind[];

/**
 * Decides which faults strike. Each occasion draws once, whether or not its fault is enabled, and each strike has a
 * number, so that a run can be repeated without some of them.
 */
export class Faults {
  /** How often each kind struck. */
  readonly struck = new Map<FaultKind, number>();
  readonly #random: Random;
  readonly #enabled: ReadonlySet<FaultKind>;
  readonly #without: ReadonlySet<number>;
  #strikes = 0;
  #isOver = false;

  constructor(random: Random, enabled: ReadonlySet<FaultKind>, without: ReadonlySet<number>) {
    this.#random = random;
    this.#enabled = enabled;
    this.#without = without;
  }

  /** Strikes that the seed had, also those that were left out. */
  get count(): number {
    return this.#strikes;
  }

  /** From now on nothing goes wrong. */
  end(): void {
    this.#isOver = true;
  }

  strikes(kind: FaultKind): boolean {
    if (this.#isOver || !this.#random.chance(faultRates[kind])) return false;
    const number = this.#strikes++;
    if (!this.#enabled.has(kind) || this.#without.has(number)) return false;
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
    return true;
  }

  /** One of the kinds that an app brings along struck; it is counted beside the others. */
  static add(total: Map<string, number>, struck: ReadonlyMap<string, number>): void {
    for (const [kind, count] of struck) total.set(kind, (total.get(kind) ?? 0) + count);
  }
}
