import type { ClaimedItem } from "../kernel/item.ts";

/** As much as the slots get through in this time is claimed ahead of them: about what a claim takes on a busy database. */
const horizonMs = 20;
/** A hook that found no slot for so long is given back: others may be free for it. */
const longestWaitMs = 100;
/** What passes quickly is claimed in batches of so many at most, whatever the number of slots. */
const mostAhead = 500;
/** Of each attempt's duration, the share that goes into the average. */
const weight = 0.05;

interface Waiting {
  readonly item: ClaimedItem;
  readonly since: number;
}

/**
 * Hooks that are claimed and wait for a slot. How many may is told by how fast hooks have lately passed through the slots:
 * while they take their time, none, and a slot that becomes free is filled by a claim. Times are elapsed milliseconds.
 */
export class ClaimedAhead {
  readonly #concurrency: number;
  #waiting: Waiting[] = [];
  #durationMs = Infinity;
  #lastEndAt = -Infinity;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** An attempt has ended by itself, at `now`. */
  passed(durationMs: number, now: number): void {
    this.#lastEndAt = now;
    if (this.#durationMs === Infinity) this.#durationMs = durationMs;
    else this.#durationMs += (durationMs - this.#durationMs) * weight;
  }

  /** How many may wait in all. */
  allowance(now: number): number {
    // Slots through which nothing passes any more say nothing about the next hook.
    if (now - this.#lastEndAt > horizonMs) return 0;
    const passing = (this.#concurrency * horizonMs) / Math.max(this.#durationMs, 0.01);
    return Math.min(Math.floor(passing), mostAhead);
  }

  push(items: readonly ClaimedItem[], now: number): void {
    for (const item of items) this.#waiting.push({ item, since: now });
  }

  /** Take the first `count`. */
  take(count: number): readonly ClaimedItem[] {
    return this.#waiting.splice(0, Math.max(0, count)).map(({ item }) => item);
  }

  /** Take those that fit, wherever they stand. */
  takeWhere(fits: (item: ClaimedItem) => boolean): readonly ClaimedItem[] {
    const taken = this.#waiting.filter(({ item }) => fits(item));
    if (taken.length > 0) this.#waiting = this.#waiting.filter(({ item }) => !fits(item));
    return taken.map(({ item }) => item);
  }

  takeOverdue(now: number): readonly ClaimedItem[] {
    const fresh = this.#waiting.findIndex(({ since }) => since + longestWaitMs > now);
    return this.take(fresh === -1 ? this.#waiting.length : fresh);
  }

  /** When the first has waited for too long; null when none waits. */
  get overdueAt(): number | null {
    const [first] = this.#waiting;
    return first === undefined ? null : first.since + longestWaitMs;
  }

  has(fits: (item: ClaimedItem) => boolean): boolean {
    return this.#waiting.some(({ item }) => fits(item));
  }
}
