import { setTimeout as sleep } from "node:timers/promises";
import type { System } from "../system.ts";
import type { SystemName } from "../systems.ts";
import { Counters } from "./counters.ts";
import { openListener } from "./latency.ts";
import type { Idle, Sample } from "./measurement.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Place } from "./place.ts";

/** Until what a worker does at its start is over. */
const settlingMs = 3_000;
const windowMs = 100;

/** Workers of another process with nothing to do: what they ask the database, and the CPU time that they take. */
export async function idle(
  name: SystemName,
  system: System,
  place: Place,
  { seconds, pollMs }: Idle,
): Promise<Sample> {
  const options = { url: place.url, mode: "defaults", install: true, parallel: 1 } as const;
  const opened = await system.open(options);
  const workforce = await openListener(name, system, options);
  await workforce.begin(Infinity);
  await sleep(settlingMs);
  const counters = new Counters(place);
  await workforce.mark();
  const startedAt = monotonicMs();
  const statements = await statementsOverTime(counters, startedAt + seconds * 1_000);
  const lastedMs = monotonicMs() - startedAt;
  const { cpuMs } = await workforce.end();
  await Promise.all([workforce.close(), opened.close(), counters.close()]);
  const total = statements.reduce((sum, { count }) => sum + count, 0);
  return {
    statementsPerSecond: (total / lastedMs) * 1_000,
    cpuPercent: (cpuMs / lastedMs) * 100,
    ...(pollMs === undefined ? {} : { statementsBetweenPolls: betweenPolls(statements, pollMs) }),
  };
}

export interface Window {
  readonly endMs: number;
  readonly count: number;
}

async function statementsOverTime(counters: Counters, until: number): Promise<readonly Window[]> {
  const windows: Window[] = [];
  let before = await counters.statements();
  while (monotonicMs() < until) {
    await sleep(windowMs);
    const now = await counters.statements();
    windows.push({ endMs: monotonicMs(), count: now - before });
    before = now;
  }
  return windows;
}

/**
 * Statements that belong to no poll. The first ones after a pause of nearly `pollMs` are a poll's, and those of the next
 * window with them; whatever comes sooner is between two polls.
 */
export function betweenPolls(windows: readonly Window[], pollMs: number): number {
  let polledAt = -Infinity;
  let stray = 0;
  for (const { endMs, count } of windows) {
    if (count === 0) continue;
    if (endMs - polledAt >= pollMs * 0.85) polledAt = endMs;
    else if (endMs - polledAt > 2 * windowMs) stray += count;
  }
  return stray;
}
