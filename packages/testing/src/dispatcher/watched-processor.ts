import type {
  DurableHooksProcessor,
  ProcessDueOptions,
  RecoverOptions,
  StopOptions,
  WakeListener,
  WakeOptions,
} from "@sherd/core";
import { eventually } from "../eventually.ts";

/** A look is a call that claims what is due: `wake` or `processDue`. */
export interface Look {
  /** On the test's own clock, in milliseconds. */
  readonly at: number;
  hasEnded: boolean;
}

/** A processor that a dispatcher may use as any other, and that a test watches and disturbs. */
export class WatchedProcessor implements DurableHooksProcessor {
  readonly looks: Look[] = [];
  /** How often it was asked when something is due. */
  questions = 0;
  /** While true, whoever subscribed hears nothing. */
  isDeaf = false;
  /** What looks and questions are rejected with. */
  failure: Error | null = null;
  /** What `subscribe` is rejected with. */
  refusal: Error | null = null;
  /** What each look waits for before it begins. */
  gate: Promise<void> = Promise.resolve();
  /** What an answer to when something is due waits for, and goes stale meanwhile. */
  answerGate: Promise<void> = Promise.resolve();
  /** How many answers wait for that. */
  staleAnswers = 0;
  readonly #processor: DurableHooksProcessor;

  constructor(processor: DurableHooksProcessor) {
    this.#processor = processor;
  }

  get namespace(): string {
    return this.#processor.namespace;
  }

  get concurrency(): number {
    return this.#processor.concurrency;
  }

  get running(): number {
    return this.#processor.running;
  }

  get free(): number {
    return this.#processor.free;
  }

  wake(options?: WakeOptions): Promise<number> {
    return this.#look(() => this.#processor.wake(options));
  }

  processDue(options?: ProcessDueOptions) {
    return this.#look(() => this.#hold(this.#processor.processDue(options)));
  }

  getNextWakeInMs(): Promise<number | null> {
    return this.#ask(() => this.#processor.getNextWakeInMs());
  }

  getNextWakeAt(): Promise<Date | null> {
    return this.#ask(() => this.#processor.getNextWakeAt());
  }

  recover(options?: RecoverOptions) {
    return this.#processor.recover(options);
  }

  prune(): Promise<void> {
    return this.#processor.prune();
  }

  idle(): Promise<void> {
    return this.#processor.idle();
  }

  async subscribe(listener: WakeListener): Promise<() => Promise<void>> {
    if (this.refusal !== null) throw this.refusal;
    return this.#processor.subscribe({
      onWake: () => void (this.isDeaf || listener.onWake()),
      onDueIn: (delayMs) => void (this.isDeaf || listener.onDueIn(delayMs)),
      onError: (error) => listener.onError(error),
    });
  }

  stop(options?: StopOptions): Promise<void> {
    return this.#processor.stop(options);
  }

  /** Resolves when every look has ended, and when it was asked after the last what comes next. */
  async quiet(): Promise<void> {
    await eventually(
      () => this.looks.length > 0 && this.looks.every(({ hasEnded }) => hasEnded) && this.running === 0,
      { withinMs: 5_000 },
    );
    const { questions } = this;
    const looks = this.looks.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (questions !== this.questions || looks !== this.looks.length) await this.quiet();
  }

  async #look<T>(call: () => Promise<T>): Promise<T> {
    const look: Look = { at: performance.now(), hasEnded: false };
    this.looks.push(look);
    try {
      await this.gate;
      if (this.failure !== null) throw this.failure;
      return await call();
    } finally {
      look.hasEnded = true;
    }
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    this.questions += 1;
    if (this.failure !== null) throw this.failure;
    return this.#hold(call());
  }

  async #hold<T>(asked: Promise<T>): Promise<T> {
    const answer = await asked;
    this.staleAnswers += 1;
    await this.answerGate;
    this.staleAnswers -= 1;
    return answer;
  }
}
