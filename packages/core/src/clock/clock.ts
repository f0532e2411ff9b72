/** Where a process gets its time from. Leases and due times never use it: those are the database's. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Call `run` once after `delayMs`; the answer cancels it. */
  schedule(run: () => void, delayMs: number): () => void;
}

/** Timers wait at most 2^31 - 1 ms; beyond it they would fire at once. */
const longestTimerMs = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(run, delayMs) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), longestTimerMs));
    return () => clearTimeout(timer);
  },
};
