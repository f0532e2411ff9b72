import type { Clock } from "../clock/clock.ts";

/** One timer for many moments: it rings at the earliest that it was asked for, and then knows no more. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #at = Infinity;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Ring at `at` at the latest, on the clock's elapsed time, in milliseconds. */
  setFor(at: number): void {
    if (at >= this.#at) return;
    this.clear();
    this.#at = at;
    this.#cancel = this.#clock.schedule(() => {
      this.#at = Infinity;
      this.#cancel = null;
      this.#ring();
    }, at - this.#clock.elapsed());
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#at = Infinity;
  }
}
