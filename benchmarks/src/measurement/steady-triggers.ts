import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../statistics.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Sample } from "./measurement.ts";
import type { WorkReport } from "./workforce.ts";

type Trigger = (payload: { readonly number: number }) => Promise<void>;

/** Hooks that are triggered one after the other, numbered from 0, and when. */
export class SteadyTriggers {
  readonly #trigger: Trigger;
  readonly #intervalMs: number;
  readonly #calls: { readonly at: number; committedAt: number }[] = [];

  constructor(trigger: Trigger, perSecond: number) {
    this.#trigger = trigger;
    this.#intervalMs = 1_000 / perSecond;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** At least one. Resolves once all are committed. */
  async until(isOver: () => boolean): Promise<void> {
    const startedAt = monotonicMs();
    const under: Promise<void>[] = [];
    // A jitter keeps the triggers from falling into step with somebody's polls.
    const untilNext = () => sleepUntil(startedAt + (under.length + Math.random() / 2) * this.#intervalMs);
    await untilNext();
    do {
      under.push(this.#call());
      await untilNext();
    } while (!isOver());
    await Promise.all(under);
  }

  /** How long the hooks from the number `from` on took to be committed and to start. */
  sample(starts: WorkReport["starts"], from: number): Sample {
    const startOf = new Map(starts.toReversed());
    const measured = [...this.#calls.entries()].slice(from);
    const started = measured.filter(([number]) => startOf.has(number));
    const latencies = started.map(([number, { at }]) => (startOf.get(number) ?? NaN) - at);
    const commits = measured.map(([, { at, committedAt }]) => committedAt - at);
    return {
      medianMs: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      longestMs: Math.max(...latencies),
      commitMedianMs: quantile(commits, 0.5),
      neverStarted: measured.length - started.length,
    };
  }

  async #call(): Promise<void> {
    const call = { at: monotonicMs(), committedAt: Infinity };
    const number = this.#calls.push(call) - 1;
    await this.#trigger({ number });
    call.committedAt = monotonicMs();
  }
}

async function sleepUntil(at: number): Promise<void> {
  const ms = at - monotonicMs();
  if (ms > 0) await sleep(ms);
}
