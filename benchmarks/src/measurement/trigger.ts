import type { OpenSystem, Order, Payload, System } from "../system.ts";
import { inLanes, need } from "./fill.ts";
import type { Sample, Together, Trigger } from "./measurement.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Place } from "./place.ts";

const largestWarmUp = 500;

/** One call each, so many at a time. */
export async function trigger(system: System, { url }: Place, measurement: Trigger): Promise<Sample> {
  const { verb, parallel } = measurement;
  const count = Math.ceil(measurement.count / system.countDivisor);
  const opened = await system.open({ url, mode: "tuned", install: true, parallel });
  const call = calls(system, opened)[verb];
  await inLanes(numbers(Math.min(largestWarmUp, count)), parallel, call);
  const startedAt = monotonicMs();
  await inLanes(numbers(count), parallel, call);
  const perSecond = (count / (monotonicMs() - startedAt)) * 1_000;
  await opened.close();
  return { perSecond };
}

/** Many in one transaction, one transaction after the other. */
export async function together(system: System, { url }: Place, { size, times }: Together): Promise<Sample> {
  const opened = await system.open({ url, mode: "tuned", install: true, parallel: 1 });
  const call = need(opened.triggerTogether, system, "triggerTogether").bind(opened);
  const payloads = Array.from({ length: size }, (): Payload => ({}));
  const [rounds, warmUps] = [
    Math.ceil(times / system.countDivisor),
    Math.ceil(times / system.countDivisor / 4),
  ];
  for (let warmUp = 0; warmUp < warmUps; warmUp++) await call(payloads);
  const startedAt = monotonicMs();
  for (let round = 0; round < rounds; round++) await call(payloads);
  const perSecond = ((size * rounds) / (monotonicMs() - startedAt)) * 1_000;
  await opened.close();
  return { perSecond };
}

function calls(
  system: System,
  opened: OpenSystem,
): Record<Trigger["verb"], (number: number) => Promise<void>> {
  const order = (number: number): Order => ({ amount: number, note: "for the benchmark" });
  const { trigger, triggerBesideWrite, write } = opened;
  return {
    trigger: () => need(trigger, system, "trigger").call(opened, {}),
    triggerBesideWrite: (number) =>
      need(triggerBesideWrite, system, "triggerBesideWrite").call(opened, order(number), {}),
    write: (number) => need(write, system, "write").call(opened, order(number)),
  };
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, number) => number);
}
