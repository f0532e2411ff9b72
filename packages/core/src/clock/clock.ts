/** Where a process gets its time from. Leases and due times never use it: those are the database's. */
export interface Clock {
  /** Milliseconds since the epoch, for records: someone may set it while the process runs. */
  now(): number;
  /** Milliseconds since some moment, for deadlines: nobody can set it. */
  elapsed(): number;
  /** Call `run` once after `delayMs`; the answer cancels it. */
  schedule(run: () => void, delayMs: number): () => void;
  /** Call `run` once when all that is ready to run has run. */
  soon(run: () => void): void;
}

/** Timers wait at most 2^31 - 1 ms; beyond it they would fire at once. */
const longestTimerMs = 2_147_483_647;

type Immediate = (run: () => void) => unknown;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  schedule(run, delayMs) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), longestTimerMs));
    return () => clearTimeout(timer);
  },
  soon(run) {
    const { setImmediate } = globalThis as { readonly setImmediate?: Immediate };
    if (setImmediate === undefined) setTimeout(run, 0);
    else setImmediate(run);
  },
};
