/** The adapter's database clock. SQLite has none of its own: it reads its process's. */
export interface SqliteClock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: SqliteClock = { now: () => Date.now() };
