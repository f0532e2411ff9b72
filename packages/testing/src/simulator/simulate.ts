import type { SimulatedApp } from "./app.ts";
import { type FaultKind, faultKinds, Faults } from "./faults.ts";
import { invariants, type Violation } from "./invariants.ts";
import type { MakeDispatcher } from "./process.ts";
import { inStillTime } from "./still-time.ts";
import { World, type WorldOptions } from "./world.ts";

export interface SimulateOptions {
  readonly app: SimulatedApp;
  /** Makes the dispatcher of each processor: `createDurableHooksDispatcher` of your runtime's package. */
  readonly dispatcher: MakeDispatcher;
  /** How many seeds to run, from `firstSeed` on. Default: 100. */
  readonly seeds?: number;
  /** Default: 1. */
  readonly firstSeed?: number;
  /** User actions in each run. Default: 30. */
  readonly steps?: number;
  /** Processes that are up at a time. Default: 3. */
  readonly processes?: number;
  /** Default: all. */
  readonly faults?: readonly FaultKind[];
  /** Told after each seed. */
  readonly onSeed?: (progress: { readonly seed: number; readonly done: number }) => void;
  /** For mutants: makes the adapter of each process worse. */
  readonly alter?: WorldOptions["alter"];
}

export interface SimulationFailure {
  readonly seed: number;
  /** User actions that the failure needs: it fails with so many, and the later ones were left out. */
  readonly steps: number;
  readonly violations: readonly Violation[];
  /** Fault strikes that the failure needs, after the others were taken out. */
  readonly strikes: number;
  /** What happened, in the shortest run that still fails. */
  readonly history: readonly string[];
}

export interface SimulationReport {
  readonly seeds: number;
  /** Moves of the schedule: answers, timers, faults and user actions. */
  readonly moves: number;
  readonly hooks: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly invariants: readonly string[];
  /** The first seed that broke an invariant; null when none did. */
  readonly failure: SimulationFailure | null;
}

/**
 * Run the app through seeded schedules with injected faults, and check the invariants after every step. The same seed
 * gives the same history. Stops at the first seed that breaks one, and takes out what the failure does not need.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { seeds = 100, firstSeed = 1 } = options;
  const faults = new Map<FaultKind, number>();
  let moves = 0;
  let hooks = 0;
  let failure: SimulationFailure | null = null;
  let done = 0;
  for (let seed = firstSeed; seed < firstSeed + seeds && failure === null; seed++) {
    const world = await runSeed(options, seed);
    Faults.add(faults, world.faults.struck);
    moves += world.schedule.steps;
    hooks += world.ledger.committed.size;
    done += 1;
    options.onSeed?.({ seed, done });
    if (world.violations.length > 0) failure = await shrink(options, seed, world);
  }
  return { seeds: done, moves, hooks, faults, invariants, failure };
}

/** Run one seed; `without` leaves out fault strikes by their number. */
export async function runSeed(
  { app, dispatcher, steps = 30, processes = 3, faults = faultKinds, alter }: SimulateOptions,
  seed: number,
  without: ReadonlySet<number> = new Set(),
): Promise<World> {
  const world = new World({
    app,
    dispatcher,
    seed,
    steps,
    processes,
    faults: new Set(faults),
    without,
    alter,
  });
  await inStillTime(() => world.run());
  return world;
}

/** Take out what a failure does not need: the user's later actions first, then fault strikes. */
async function shrink(options: SimulateOptions, seed: number, failed: World): Promise<SimulationFailure> {
  let shortest = failed;
  let { steps } = failed.options;
  for (let less = Math.floor(steps / 2); less >= 1; less = Math.floor(less / 2)) {
    const world = await runSeed({ ...options, steps: less }, seed);
    if (world.violations.length === 0) break;
    shortest = world;
    steps = less;
  }
  const smallest = await withFewerStrikes({ ...options, steps }, seed, shortest);
  const strikes = [...smallest.faults.struck.values()].reduce((sum, count) => sum + count, 0);
  return { seed, steps, violations: smallest.violations, strikes, history: smallest.history.lines };
}

/** Take out fault strikes, half of them at a time, then fewer, as long as the run still fails. */
async function withFewerStrikes(options: SimulateOptions, seed: number, failed: World): Promise<World> {
  let without: ReadonlySet<number> = new Set();
  let smallest = failed;
  for (
    let size = Math.ceil(failed.faults.count / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < smallest.faults.count; from += size) {
      const more = Array.from({ length: size }, (_, index) => from + index);
      const tried = new Set([...without, ...more]);
      if (tried.size === without.size) continue;
      const world = await runSeed(options, seed, tried);
      if (world.violations.length === 0) continue;
      without = tried;
      smallest = world;
    }
  }
  return smallest;
}
