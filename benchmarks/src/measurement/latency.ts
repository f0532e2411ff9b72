import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../statistics.ts";
import type { System } from "../system.ts";
import type { SystemName } from "../systems.ts";
import { need } from "./fill.ts";
import type { Latency, Sample } from "./measurement.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Place } from "./place.ts";
import { RemoteWorkforce } from "./remote-workforce.ts";
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
  measurement: Latency,
): Promise<Sample> {
  const options = { url, mode: "tuned", install: true, parallel: 4 } as const;
  const opened = await system.open(options);
  const workforce = await openListener(name, system, options);
  await workforce.begin(Infinity);
  const trigger = need(opened.trigger, system, "trigger").bind(opened);

  const calls: { readonly at: number; committedAt: number }[] = [];
  const intervalMs = 1_000 / measurement.perSecond;
  const warmUps = Math.ceil(warmUpMs / intervalMs);
  const startedAt = monotonicMs();
  const under: Promise<void>[] = [];
  for (let number = 0; number < warmUps + measurement.perSecond * measurement.seconds; number++) {
    // A jitter keeps the triggers from falling into step with somebody's polls.
    await sleepUntil(startedAt + (number + Math.random() / 2) * intervalMs);
    const call = { at: monotonicMs(), committedAt: Infinity };
    calls.push(call);
    under.push(trigger({ number }).then(() => void (call.committedAt = monotonicMs())));
  }
  await Promise.all(under);
  await untilNone(opened.unfinished?.bind(opened));
  const { starts } = await workforce.end();
  await workforce.close();
  await opened.close();

  const startOf = new Map(starts.toReversed());
  const measured = [...calls.entries()].slice(warmUps);
  const started = measured.filter(([number]) => startOf.has(number));
  const latencies = started.map(([number, { at }]) => (startOf.get(number) ?? NaN) - at);
  return {
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    longestMs: Math.max(...latencies),
    commitMedianMs: quantile(
      measured.map(([, { at, committedAt }]) => committedAt - at),
      0.5,
    ),
    neverStarted: measured.length - started.length,
  };
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

async function sleepUntil(at: number): Promise<void> {
  const ms = at - monotonicMs();
  if (ms > 0) await sleep(ms);
}

async function untilNone(unfinished: (() => Promise<number>) | undefined): Promise<void> {
  const deadline = monotonicMs() + patienceMs;
  while (monotonicMs() < deadline && ((await unfinished?.()) ?? 0) > 0) await sleep(100);
}
