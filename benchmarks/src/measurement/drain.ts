import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import type { OpenSystem, System } from "../system.ts";
import type { SystemName } from "../systems.ts";
import { countedDrain } from "./counted-drain.ts";
import { fill, need } from "./fill.ts";
import type { Drain, Sample } from "./measurement.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Place } from "./place.ts";
import { profiled } from "./profiled.ts";
import { RemoteWorkforce } from "./remote-workforce.ts";
import { LocalWorkforce, type Workforce } from "./workforce.ts";

/** Compiled code and open connections are what a worker has that runs for longer than a second. */
const largestWarmUp = 5_000;
const checkEveryMs = 2;

export async function drain(
  name: SystemName,
  system: System,
  place: Place,
  measurement: Drain,
): Promise<Sample> {
  const { mode, beside, sleepMs, holdsSnapshot = false, isCounted = false, profileTo } = measurement;
  const count = Math.ceil(measurement.count / system.countDivisor);
  const options = { url: place.url, mode, install: beside === undefined, parallel: 10 };
  const opened = await system.open(options);
  const workforce = await openWorkforce(name, system, opened, options, measurement);
  const work = { system, opened, workforce, isNumbered: sleepMs !== undefined };

  const release = holdsSnapshot ? await holdSnapshot(place.url) : null;
  await timedDrain({ ...work, count: Math.min(largestWarmUp, Math.ceil(count / 5)) });
  if (isCounted) return countedDrain({ ...work, count }, place);
  const sample = await timedDrain({ ...work, count, profileTo });
  await workforce.close();
  if (measurement.processes !== undefined) await opened.close();
  await release?.();
  return sample;
}

export interface DrainWork {
  readonly system: System;
  readonly opened: OpenSystem;
  readonly workforce: Workforce;
  readonly isNumbered: boolean;
  readonly count: number;
}

async function openWorkforce(
  name: SystemName,
  system: System,
  opened: OpenSystem,
  open: Parameters<System["open"]>[0],
  { processes, ...spec }: Drain,
): Promise<Workforce> {
  if (processes === undefined) return new LocalWorkforce(system, opened, spec);
  return RemoteWorkforce.open({ system: name, open, spec, processes, tellsProgress: true });
}

async function timedDrain(work: DrainWork & { readonly profileTo?: string | undefined }): Promise<Sample> {
  const { system, opened, workforce, count, isNumbered, profileTo } = work;
  await fill(system, opened, { count, isNumbered });
  const unfinished = need(opened.unfinished, system, "unfinished");
  const perSecond = await profiled(profileTo, async () => {
    const startedAt = monotonicMs();
    await workforce.begin(count);
    await workforce.allEnded();
    while ((await unfinished.call(opened)) > 0) await sleep(checkEveryMs);
    return (count / (monotonicMs() - startedAt)) * 1_000;
  });
  const { ended } = await workforce.end();
  return { perSecond, repeated: ended - count };
}

/** What a forgotten BEGIN, a report or a backup does to everybody else. */
async function holdSnapshot(url: string): Promise<() => Promise<void>> {
  const sql = postgres(url, { max: 1 });
  await sql`begin isolation level repeatable read`;
  await sql`select count(*) from bench_order`;
  return () => sql.end({ timeout: 1 });
}
