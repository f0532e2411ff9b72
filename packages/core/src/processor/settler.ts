import type { Storage } from "../adapter/storage.ts";
import type { Clock } from "../clock/clock.ts";
import { isSherdError } from "../errors.ts";
import type { SettleResult, Settlement } from "../kernel/item.ts";
import { resolveAmbiguous } from "./ambiguous-settle.ts";
import type { Attempt } from "./attempt.ts";

export interface Ended {
  readonly attempt: Attempt;
  readonly settlement: Settlement;
  /** What the handler threw; null when it threw nothing. */
  readonly error: unknown;
}

interface SettlerOptions {
  readonly storage: Storage;
  readonly queue: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of every batch that the database has answered, in the order in which the attempts ended. */
  readonly onSettled: (ended: readonly Ended[], results: readonly SettleResult[]) => void;
  /** Told of outcomes that the database refused; their leases will expire. */
  readonly onRefused: (ended: Ended, error: unknown) => void;
  readonly onError: (error: unknown) => void;
}

const largestBatch = 1_000;
/** Of payloads, in characters: what ends together is kept together. */
const largestBatchBodies = 8_000_000;
const firstRetryMs = 50;
const longestRetryMs = 5_000;

/**
 * Writes outcomes in micro-batches: what ends while one batch is under way goes with the next, and nothing
 * waits when none is. A batch that fails for a passing reason is sent again until the database answers;
 * what waits behind it keeps its slots beyond a bound, so a database that is down is not run ahead of for long.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #waiting: Ended[] = [];
  #isFlushing = false;
  #isAbandoned = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  push(ended: Ended): void {
    this.#waiting.push(ended);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#options.clock.soon(() => void this.#flush());
  }

  /** Send nothing again that fails from now on: the process is about to end, and the leases will expire. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#batchSize());
      await this.#send(batch);
    }
    this.#isFlushing = false;
  }

  /** 1 or more, however large the first payload is. */
  #batchSize(): number {
    let bodies = 0;
    const end = this.#waiting.findIndex(({ attempt }, index) => {
      bodies += attempt.item.body.length;
      return index === largestBatch || (bodies > largestBatchBodies && index > 0);
    });
    return end === -1 ? this.#waiting.length : end;
  }

  async #send(batch: readonly Ended[]): Promise<void> {
    const { storage, queue, onError } = this.#options;
    let results: readonly SettleResult[];
    for (let tries = 0; ; tries++) {
      try {
        const settled = await storage.settle(
          queue,
          batch.map(({ settlement }) => settlement),
        );
        const answers = settled.map(({ result }) => result);
        results = tries === 0 ? answers : await resolveAmbiguous(storage, queue, batch, answers);
        break;
      } catch (error) {
        onError(error);
        if (this.#isAbandoned || !isPassing(error)) return this.#refuse(batch, error);
        await this.#pause(tries);
      }
    }
    this.#answered(batch, results);
  }

  /** What another transaction has locked is sent again beside the others, which must not wait for it. */
  #answered(batch: readonly Ended[], results: readonly SettleResult[]): void {
    const { clock, random, onSettled, onRefused } = this.#options;
    const isBusy = (_: unknown, index: number) => results[index] === "busy";
    const busy = batch.filter(isBusy);
    const isAnswered = (_: unknown, index: number) => results[index] !== "busy";
    onSettled(batch.filter(isAnswered), results.filter(isAnswered));
    if (busy.length === 0) return;
    if (this.#isAbandoned) return busy.forEach((ended) => onRefused(ended, null));
    clock.schedule(() => busy.forEach((ended) => this.push(ended)), firstRetryMs * (1 + random()));
  }

  /** One outcome that the database refuses must not take its batch with it: send each alone. */
  async #refuse(batch: readonly Ended[], error: unknown): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) return this.#options.onRefused(only, error);
    if (this.#isAbandoned) return batch.forEach((ended) => this.#options.onRefused(ended, error));
    for (const ended of batch) await this.#send([ended]);
  }

  #pause(tries: number): Promise<void> {
    const { clock, random } = this.#options;
    const delayMs = Math.min(firstRetryMs * 2 ** Math.min(tries, 10), longestRetryMs) * (0.5 + random());
    return new Promise((resolve) => clock.schedule(resolve, delayMs));
  }
}

function isPassing(error: unknown): boolean {
  return isSherdError(error) && error.retryable;
}
