let runs = 0;
let ticking: (() => number) | null = null;

/**
 * Keep `performance.now` where it is until `run` has ended: adapters let the event loop go on by it when they were busy for
 * long, and real time must not decide what comes first.
 */
export async function inStillTime<T>(run: () => Promise<T>): Promise<T> {
  if (runs === 0) {
    const at = performance.now();
    ticking = performance.now.bind(performance);
    performance.now = () => at;
  }
  runs += 1;
  try {
    return await run();
  } finally {
    runs -= 1;
    if (runs === 0 && ticking !== null) performance.now = ticking;
  }
}
