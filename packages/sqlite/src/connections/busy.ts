import { isBusy } from "../errors.ts";

/** Kept from before a test replaces the global one, after which it would be waited for without end. */
const { setTimeout } = globalThis;

export interface BusyPolicy {
  readonly timeoutMs: number;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
}

/**
 * Call `attempt` until it does not meet a lock, for at most the policy's time, without blocking the event
 * loop: SQLite's own busy handler would, and with it the very transaction that it waits for when that one
 * is in this process. The first attempt is made without a pause.
 */
export async function untilFree<T>(attempt: () => T, { timeoutMs, random }: BusyPolicy): Promise<Awaited<T>> {
  const startedAt = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      const answer = attempt();
      return answer instanceof Promise ? await answer : (answer as Awaited<T>);
    } catch (error) {
      const leftMs = timeoutMs - (performance.now() - startedAt);
      if (!isBusy(error) || leftMs <= 0) throw error;
      const delayMs = Math.min(25, 2 ** Math.min(tries, 5)) * (0.5 + random());
      await new Promise((resolve) => setTimeout(resolve, Math.min(delayMs, leftMs)));
    }
  }
}
