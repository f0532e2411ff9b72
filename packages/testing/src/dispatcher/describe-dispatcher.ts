import { afterEach, describe, it } from "vitest";
import type { Deviation } from "../adapter/adapter-under-test.ts";
import { type Bench, openBench, type OpenBench } from "./bench.ts";
import type { DispatcherUnderTest } from "./dispatcher-under-test.ts";
import type { DispatcherGuarantees } from "./guarantee.ts";
import { errors } from "./rings/errors.ts";
import { stopping } from "./rings/stopping.ts";
import { waiting } from "./rings/waiting.ts";
import { waking } from "./rings/waking.ts";

export interface DescribeDispatcherOptions {
  readonly name: string;
  /** Make an empty database, another one at each call, and what starts the dispatcher to test over it. */
  create(): Promise<DispatcherUnderTest>;
  readonly deviations?: readonly Deviation[];
}

const groups: Readonly<Record<string, DispatcherGuarantees>> = { waking, waiting, stopping, errors };

const timeoutMs = 30_000;

/**
 * Register the tests of every guarantee that a dispatcher gives, for vitest to run, by real time. A test that a deviation
 * names must fail. Throws when a deviation names no test.
 */
export function describeDispatcher({ name, create, deviations = [] }: DescribeDispatcherOptions): void {
  const reasons = new Map(deviations.map(({ test, reason }) => [test, reason]));
  const known = new Set(Object.values(groups).flatMap((guarantees) => Object.keys(guarantees)));
  const unknown = [...reasons.keys()].filter((test) => !known.has(test));
  if (unknown.length > 0) throw new Error(`Deviations name tests that there are not: ${unknown.join("; ")}`);
  describe(name, () => {
    const open = useBench(create);
    for (const [group, guarantees] of Object.entries(groups)) {
      describe(group, () => {
        for (const [test, run] of Object.entries(guarantees)) {
          const reason = reasons.get(test);
          if (reason === undefined) it(test, () => run(open), timeoutMs);
          else it.fails(`${test} — deviates: ${reason}`, () => run(open), timeoutMs);
        }
      });
    }
  });
}

/** Answer what opens a test's bench, which is cleared away after it. */
function useBench(create: () => Promise<DispatcherUnderTest>): OpenBench {
  let opened: { readonly underTest: DispatcherUnderTest; readonly bench: Bench } | null = null;
  afterEach(async () => {
    const { underTest, bench } = opened ?? {};
    opened = null;
    await bench?.stop();
    await underTest?.close();
  }, timeoutMs);
  return async (options = {}) => {
    const underTest = await create();
    const bench = await openBench(underTest, options);
    opened = { underTest, bench };
    return bench;
  };
}
