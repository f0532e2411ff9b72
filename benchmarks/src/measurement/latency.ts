import { setTimeout as sleep } from "node:timers/promises";
import type { System } from "../system.ts";
import type { SystemName } from "../systems.ts";
import { need } from "./fill.ts";
import { Flood } from "./flood.ts";
import type { Latency, Sample } from "./measurement.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Place } from "./place.ts";
import { RemoteWorkforce } from "./remote-workforce.ts";
import { SteadyTriggers } from "./steady-triggers.ts";
import { LocalWorkforce, type Workforce } from "./workforce.ts";

/** The first second is for connections and compiled code. */
const warmUpMs = 1_000;
/** How late a hook may start and still be counted. */
const patienceMs = 10_000;

/** From the call of `trigger` to the start of the handler, in another process where the system can. */
export async function latency(
  name: SystemName,
  system: System,
  { url }: Place,
  { perSecond, seconds, flood: floodCount }: Latency,
): Promise<Sample> {
  const options = { url, mode: "tuned", install: true, parallel: 4 } as const;
  const opened = await system.open(options);
  const workforce = await openListener(name, system, options);
  const flood = floodCount === undefined ? null : await Flood.open({ name, system, url, count: floodCount });
  await workforce.begin(Infinity);
  const triggers = new SteadyTriggers(need(opened.trigger, system, "trigger").bind(opened), perSecond);
  const untilCount = (count: number) => triggers.until(() => triggers.count >= count);

  const warmUp = () => untilCount((perSecond * warmUpMs) / 1_000);
  await (flood === null ? warmUp() : flood.beside(warmUp));
  const warmUps = triggers.count;
  const end = warmUps + perSecond * seconds;
  if (flood === null) await untilCount(end);
  else while (triggers.count < end) await flood.beside((isDrained) => triggers.until(isDrained));
  await untilNone(opened.unfinished?.bind(opened));
  const { starts } = await workforce.end();
  await Promise.all([workforce.close(), opened.close(), flood?.close()]);
  const sample = triggers.sample(starts, warmUps);
  return flood === null ? sample : { ...sample, floodPerSecond: flood.perSecond };
}

/** Workers that wait for single hooks: in another process, else behind connections of their own. */
export async function openListener(
  name: SystemName,
  system: System,
  options: Parameters<System["open"]>[0],
): Promise<Workforce> {
  const spec = { forLatency: true, recordsStarts: true };
  const open = { ...options, install: false };
  if (system.cannot.otherProcess === undefined) {
    return RemoteWorkforce.open({ system: name, open, spec, processes: 1, tellsProgress: false });
  }
  return new LocalWorkforce(system, await system.open(open), spec);
}

async function untilNone(unfinished: (() => Promise<number>) | undefined): Promise<void> {
  const deadline = monotonicMs() + patienceMs;
  while (monotonicMs() < deadline && ((await unfinished?.()) ?? 0) > 0) await sleep(100);
}
