import { type Clock, invalidOption } from "@sherd/core";

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /**
   * Let `ms` pass: ring what falls due on the way, in order and each at its moment, and let what that starts settle.
   * Calls take turns. What leaves the process, such as a request, may still be under way when it resolves.
   */
  advance(ms: number): Promise<void>;
  /** Go to a moment: forward as `advance` does; backward as when someone sets the time, and nothing rings. */
  set(to: Date | number): Promise<void>;
}

interface Timer {
  at: number;
  readonly run: () => void;
}

/**
 * Make a clock for an adapter (its `clock`) and for processors (`durableHooks.clock`): give both the same one. It begins
 * at `start`, in milliseconds since the epoch; now by default, so that what a service makes of `new Date()` is near it.
 */
export function testClock(start: Date | number = Date.now()): TestClock {
  const timers = new Set<Timer>();
  let now = moment("testClock.start", start);
  let turn: Promise<unknown> = Promise.resolve();

  const takeTurn = (move: () => Promise<void>): Promise<void> => {
    const moved = turn.then(move);
    turn = moved.catch(() => undefined);
    return moved;
  };
  const passUntil = async (until: number) => {
    await settle();
    for (let next = earliest(timers, until); next !== undefined; next = earliest(timers, until)) {
      timers.delete(next);
      now = Math.max(now, next.at);
      next.run();
      await settle();
    }
    now = until;
  };
  /** Setting the clock back turns no time back. */
  let wentBack = 0;
  const goBack = (by: number) => {
    now -= by;
    wentBack += by;
    for (const timer of timers) timer.at -= by;
  };

  return {
    now: () => now,
    elapsed: () => now + wentBack,
    schedule(run, delayMs) {
      const timer = { at: now + Math.max(0, delayMs), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon,
    async advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) throw invalidOption("advance.ms", ms, "a number, 0 or more");
      await takeTurn(() => passUntil(now + ms));
    },
    async set(to) {
      const until = moment("set.to", to);
      await takeTurn(async () => (until < now ? goBack(now - until) : passUntil(until)));
    },
  };
}

// Those of the platform, also in a test that fakes its timers later.
const { setImmediate: immediate, setTimeout: timeout } = globalThis;

/** No time passes for it. */
function soon(run: () => void): void {
  if (immediate === undefined) timeout(run, 0);
  else immediate(run);
}

/** What runs in memory takes a turn of the event loop for each outcome that it stores, and a few follow each other. */
const turns = 10;

async function settle(): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>(soon);
}

/** The timer that rings next, no later than `until`; of several at one moment the one that was set first. */
function earliest(timers: ReadonlySet<Timer>, until: number): Timer | undefined {
  let found: Timer | undefined;
  for (const timer of timers) {
    if (timer.at <= until && (found === undefined || timer.at < found.at)) found = timer;
  }
  return found;
}

function moment(option: string, value: Date | number): number {
  const ms = Number(value);
  if (Number.isFinite(ms)) return ms;
  throw invalidOption(option, value, "a valid Date, or milliseconds since the epoch");
}
