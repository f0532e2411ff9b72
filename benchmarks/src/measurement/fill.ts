import type { OpenSystem, Payload, System } from "../system.ts";

const perTransaction = 1_000;
const lanes = 10;

export interface Fill {
  readonly count: number;
  /** Numbered from 0; else their payloads are empty. */
  readonly isNumbered: boolean;
  readonly dueInMs?: number;
}

/** Trigger many hooks in the fastest way that the system has. */
export async function fill(
  system: System,
  opened: OpenSystem,
  { count, isNumbered, dueInMs }: Fill,
): Promise<void> {
  const payloads = Array.from({ length: count }, (_, number): Payload => (isNumbered ? { number } : {}));
  const { triggerTogether } = opened;
  if (triggerTogether !== undefined && !system.cannot.triggerTogether) {
    const options = dueInMs === undefined ? {} : { dueInMs };
    for (let at = 0; at < count; at += perTransaction) {
      await triggerTogether.call(opened, payloads.slice(at, at + perTransaction), options);
    }
    return;
  }
  await inLanes(payloads, lanes, (payload) => need(opened.trigger, system, "trigger").call(opened, payload));
}

/** Call `one` for each, `parallel` at a time. */
export async function inLanes<T>(
  all: readonly T[],
  parallel: number,
  one: (value: T, index: number) => Promise<void>,
): Promise<void> {
  const rest = all.entries();
  const lane = async () => {
    for (const [index, value] of rest) await one(value, index);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}

/** A verb that the system has not declared to be missing. */
export function need<T>(verb: T | undefined, system: System, name: string): T {
  if (verb === undefined)
    throw new Error(`${system.name} neither offers ${name} nor declares that it cannot.`);
  return verb;
}
