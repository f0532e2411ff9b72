import {
  type AnyFragment,
  createDurableHooksProcessor,
  type DurableHooksProcessor,
  invalidOption,
} from "@sherd/core";
import type { TestClock } from "../clock/test-clock.ts";
import { Drained, type DrainedHooks } from "./drained.ts";
import { everyHook } from "./every-hook.ts";
import type { HookName } from "./hook-types.ts";
import { HooksFailed } from "./hooks-failed.ts";

interface CommonOptions {
  /**
   * Whether to reject with `HooksFailed` when, at the end, a hook has failed or waits to be tried again because an attempt
   * of this drain failed. Default: true.
   */
  readonly throwOnFailure?: boolean;
  /** How long it may take, in real milliseconds. Default: 4,000, which is less than vitest gives a test. */
  readonly withinMs?: number;
}

interface OnlyDue extends CommonOptions {
  readonly withScheduled?: false;
  readonly clock?: TestClock;
}

interface WithScheduled extends CommonOptions {
  /** Also run what is due later, retries included: all of it, or what is due up to a moment. */
  readonly withScheduled: Date | true;
  /** The adapter's: it is advanced from one due time to the next. */
  readonly clock: TestClock;
}

export type DrainOptions = OnlyDue | WithScheduled;

/** How far what is due later may be brought forward, and by which clock. */
interface Horizon {
  readonly clock: TestClock;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Run what is due, and what that triggers, through real processors until nothing is; of several fragments together. Answers
 * how the hooks ended, by name. Rejects with `HooksFailed`, with `INVALID_OPTION`, or when it did not end in time.
 */
export async function drainHooks<F extends AnyFragment>(
  fragments: F | readonly F[],
  options: DrainOptions = {},
): Promise<DrainedHooks<HookName<F>>> {
  const { throwOnFailure = true, withinMs = 4_000 } = options;
  const horizon = horizonOf(options);
  const all: readonly AnyFragment[] = ([] as AnyFragment[]).concat(fragments);
  const drained = await Drained.begin(all);
  const processors = all.map(createDurableHooksProcessor).filter((processor) => processor !== null);
  const isDone = await endsWithin(
    withinMs,
    runAll(processors, horizon, () => drained.note()),
  );
  if (!isDone) {
    // Not awaited: what hangs may wait for a clock that stands still.
    for (const processor of processors) processor.stop({ deadlineMs: 0 }).catch(() => undefined);
    throw await unended(all, withinMs);
  }
  const failed = await drained.failed();
  if (throwOnFailure && failed.length > 0) throw new HooksFailed(failed);
  return (await drained.summary()) as DrainedHooks<HookName<F>>;
}

function horizonOf({ withScheduled = false, clock }: DrainOptions): Horizon | null {
  if (withScheduled === false) return null;
  if (clock === undefined) {
    throw invalidOption(
      "drainHooks.clock",
      clock,
      "the test clock that the adapter was given, to advance it",
    );
  }
  const until = withScheduled === true ? Infinity : withScheduled.getTime();
  if (Number.isNaN(until))
    throw invalidOption("drainHooks.withScheduled", withScheduled, "true or a valid Date");
  return { clock, until };
}

/** What one runs may be due for another, so it ends with a round in which none ran any. */
async function runAll(
  processors: readonly DurableHooksProcessor[],
  horizon: Horizon | null,
  onRound: () => Promise<void>,
): Promise<void> {
  do {
    while (await runRound(processors)) await onRound();
  } while (horizon !== null && (await bringForward(processors, horizon)));
}

async function runRound(processors: readonly DurableHooksProcessor[]): Promise<boolean> {
  let ended = 0;
  for (const processor of processors) {
    const { completed, failed, givenBack, other } = await processor.processDue({ deadlineMs: longestMs });
    ended += completed + failed + givenBack + other;
  }
  return ended > 0;
}

/** `withinMs` ends a drain, and no deadline of a processor's. */
const longestMs = 86_400_000;

/** Advance the clock to what is due next; false when nothing is. */
async function bringForward(
  processors: readonly DurableHooksProcessor[],
  { clock, until }: Horizon,
): Promise<boolean> {
  const delayMs = await nextWakeInMs(processors);
  if (delayMs <= 0 || clock.now() + delayMs > until || delayMs === Infinity) return false;
  await clock.advance(delayMs);
  if ((await nextWakeInMs(processors)) <= 0) return true;
  throw invalidOption(
    "drainHooks.clock",
    clock,
    "the clock that the adapter was given: nothing became due when it came to the time of the next hook",
  );
}

async function nextWakeInMs(processors: readonly DurableHooksProcessor[]): Promise<number> {
  const delays = await Promise.all(processors.map((processor) => processor.getNextWakeInMs()));
  return Math.min(...delays.map((delay) => delay ?? Infinity));
}

/** False when `work` did not end in time. */
async function endsWithin(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), expired]);
  } finally {
    clearTimeout(timer);
  }
}

async function unended(fragments: readonly AnyFragment[], withinMs: number): Promise<Error> {
  const running = await Promise.all(fragments.map((fragment) => everyHook(fragment, ["processing"])));
  const names = running.flat().map(({ name, id }) => `"${name}" (${id})`);
  const reason =
    names.length > 0
      ? `Still running: ${names.join(", ")}. Does a handler wait for something that the test must bring about, or for its clock?`
      : "Nothing is running: does a hook trigger itself again and again? Let withScheduled be a Date then.";
  return new Error(`drainHooks did not end within ${withinMs} ms. ${reason}`);
}
