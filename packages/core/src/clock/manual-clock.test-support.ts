import type { Clock } from "./clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  /** The delay of every timer that was asked for, in order. */
  readonly delays: number[] = [];
  readonly #timers = new Set<Timer>();
  #soon: (() => void)[] = [];
  #now = 1_000_000;

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  schedule(run: () => void, delayMs: number): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.delays.push(delayMs);
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** Let time stand still, and all that is ready run. */
  async turn(): Promise<void> {
    for (const run of this.#soon.splice(0)) run();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Pass `ms`, ringing what falls due on the way at its moment. */
  async advance(ms: number): Promise<void> {
    await this.turn();
    const until = this.#now + ms;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await this.turn();
    }
    this.#now = until;
  }

  /** Have `ms` gone by without a timer that rang: the process, or its machine, stood still. */
  standStill(ms: number): void {
    this.#now += ms;
  }

  #next(until: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
  }
}
