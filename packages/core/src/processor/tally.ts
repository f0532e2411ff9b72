import type { HookEvent } from "../hook/events.ts";

/** How attempts ended since the processor was made. */
export interface Counts {
  readonly completed: number;
  readonly failed: number;
  readonly givenBack: number;
  readonly other: number;
}

export class Tally {
  #completed = 0;
  #failed = 0;
  #givenBack = 0;
  #other = 0;

  add(end: HookEvent["type"]): void {
    if (end === "completed") this.#completed += 1;
    else if (end === "failed") this.#failed += 1;
    else if (end === "given-back") this.#givenBack += 1;
    else this.#other += 1;
  }

  counts(): Counts {
    return {
      completed: this.#completed,
      failed: this.#failed,
      givenBack: this.#givenBack,
      other: this.#other,
    };
  }

  since(earlier: Counts): Counts {
    const now = this.counts();
    return {
      completed: now.completed - earlier.completed,
      failed: now.failed - earlier.failed,
      givenBack: now.givenBack - earlier.givenBack,
      other: now.other - earlier.other,
    };
  }
}
