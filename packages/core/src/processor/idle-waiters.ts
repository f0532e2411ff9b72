import type { Clock } from "../clock/clock.ts";

/** Those who wait until a processor is idle. */
export class IdleWaiters {
  readonly #isIdle: () => boolean;
  #waiters: (() => void)[] = [];

  constructor(isIdle: () => boolean) {
    this.#isIdle = isIdle;
  }

  /** Let them go, if it is idle. */
  tell(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async wait(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Wait, but not longer than `withinMs`. */
  async waitWithin(withinMs: number, clock: Clock): Promise<void> {
    if (this.#isIdle()) return;
    let stopWaiting = () => {};
    const idle = new Promise<void>((resolve) => {
      stopWaiting = resolve;
      this.#waiters.push(resolve);
    });
    await within(withinMs, idle, clock);
    this.#waiters = this.#waiters.filter((waiter) => waiter !== stopWaiting);
  }
}

/** Wait for `work`, but not longer than `withinMs`. */
export async function within(withinMs: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  let cancel = () => {};
  const expired = new Promise<void>((resolve) => {
    cancel = clock.schedule(resolve, withinMs);
  });
  await Promise.race([work, expired]);
  cancel();
}
