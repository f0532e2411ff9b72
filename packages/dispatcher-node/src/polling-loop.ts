import type { Clock, DurableHooksProcessor } from "@sherd/core";
import type { DispatcherOptions } from "./dispatcher.ts";

interface LoopOptions {
  readonly processor: DurableHooksProcessor;
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onError: NonNullable<DispatcherOptions["onError"]> | null;
}

/** After a failed look, and when a look found nothing although something was due: 50 ms, doubled up to the poll. */
const firstPauseMs = 50;

/**
 * One processor's loop: look, ask when to look next, sleep. Wake-ups during a look make it look once more,
 * however many they are.
 */
export class PollingLoop {
  readonly #options: LoopOptions;
  #cancelTimer: (() => void) | null = null;
  #wakesAt = Infinity;
  #isRunning = false;
  #isStarted = false;
  #isStopping = false;
  #wanted: { sweep: boolean } | null = null;
  #fruitless = 0;
  #unsubscribe: Promise<(() => Promise<void>) | null> = Promise.resolve(null);
  #stopped: Promise<void> | null = null;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isStarted || this.#isStopping) return;
    this.#isStarted = true;
    const { processor } = this.#options;
    this.#unsubscribe = processor
      .subscribe({
        onWake: () => this.wake(false),
        onDueIn: (delayMs) => this.#sleep(delayMs),
        onError: (error) => this.#report(error),
      })
      .catch((error: unknown) => {
        this.#report(error);
        return null;
      });
    this.wake(true);
  }

  /** Look as soon as the present look has ended. */
  wake(sweep: boolean): void {
    if (!this.#isStarted || this.#isStopping) return;
    this.#wanted = { sweep: sweep || this.#wanted?.sweep === true };
    if (!this.#isRunning) void this.#run();
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#wanted !== null && !this.#isStopping) {
      const { sweep } = this.#wanted;
      this.#wanted = null;
      // Before the look: a wake-up or a retry that comes during it may only make the sleep shorter.
      this.#clearTimer();
      this.#sleep(await this.#look(sweep));
    }
    this.#isRunning = false;
  }

  /** Run what is due, and answer how long to sleep. */
  async #look(sweep: boolean): Promise<number> {
    const { processor, pollIntervalMs, random } = this.#options;
    const pollMs = pollIntervalMs * (0.9 + 0.2 * random());
    try {
      const started = await processor.wake({ sweep });
      // With its slots full the processor goes on by itself, and says when it has caught up.
      if (processor.free <= 0) return pollMs;
      const delayMs = (await processor.getNextWakeInMs()) ?? Infinity;
      this.#fruitless = delayMs <= 0 && started === 0 ? this.#fruitless + 1 : 0;
      // The first time it may have become due during the look.
      const pauseMs = this.#fruitless <= 1 ? 0 : this.#pauseMs();
      return Math.min(Math.max(delayMs, pauseMs), pollMs);
    } catch (error) {
      this.#report(error);
      this.#fruitless += 1;
      return Math.min(this.#pauseMs(), pollMs);
    }
  }

  #pauseMs(): number {
    return firstPauseMs * 2 ** Math.min(this.#fruitless, 16);
  }

  #sleep(delayMs: number): void {
    if (this.#isStopping) return;
    const { clock } = this.#options;
    const wakesAt = clock.elapsed() + delayMs;
    if (wakesAt >= this.#wakesAt) return;
    this.#clearTimer();
    this.#wakesAt = wakesAt;
    this.#cancelTimer = clock.schedule(() => {
      this.#clearTimer();
      this.wake(true);
    }, delayMs);
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#wakesAt = Infinity;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    this.#clearTimer();
    const release = async () => (await this.#unsubscribe)?.();
    for (const end of [() => this.#options.processor.stop({ deadlineMs }), release]) {
      await end().catch((error: unknown) => this.#report(error));
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error, { namespace: this.#options.processor.namespace });
    } catch {
      // The error handler itself failed, and there is nobody else to tell.
    }
  }
}
