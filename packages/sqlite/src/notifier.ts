import type { Notifier, WakeReason } from "@sherd/core";
import type { Executor } from "./executor.ts";
import type { Nesting } from "./nesting.ts";

/** After these the caller's own transaction has mostly committed; what is later yet, the poll finds. */
const hintDelaysMs = [5, 50, 500];

/** What other processes wrote, where the database can tell. */
export interface ChangeSource {
  /** Start, at the first subscription. `onChange` gets null when any queue may have work. */
  start(
    onChange: (queue: string | null, reason: WakeReason) => void,
    onError: (error: unknown) => void,
  ): Promise<void>;
  stop(): void;
}

interface Subscription {
  readonly wake: (reason: WakeReason) => void;
  readonly onError: (error: unknown) => void;
}

/** Wake-ups within this process, and from others through a `ChangeSource`. */
export class SqliteNotifier implements Notifier {
  readonly #executor: Executor;
  readonly #nesting: Nesting;
  readonly #source: ChangeSource;
  readonly #subscriptions = new Map<string, Set<Subscription>>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #started: Promise<void> | null = null;

  constructor(executor: Executor, nesting: Nesting, source: ChangeSource) {
    this.#executor = executor;
    this.#nesting = nesting;
    this.#source = source;
  }

  publish(queue: string, reason: WakeReason): void {
    // Not within the caller's stack: what a subscriber throws or does is none of the publisher's business.
    for (const { wake } of this.#subscriptions.get(queue) ?? []) queueMicrotask(() => wake(reason));
  }

  async publishOnCommit(tx: Parameters<Notifier["publishOnCommit"]>[0], queue: string): Promise<void> {
    if (this.#executor.afterCommit(tx, () => this.publish(queue, "work"))) return;
    for (const delayMs of hintDelaysMs) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.publish(queue, "work");
      }, delayMs);
      unref(timer);
      this.#timers.add(timer);
    }
  }

  async subscribe(
    queue: string,
    wake: (reason: WakeReason) => void,
    onError: (error: unknown) => void,
  ): Promise<() => Promise<void>> {
    const subscribers = this.#subscriptions.get(queue) ?? new Set();
    this.#subscriptions.set(queue, subscribers);
    // A hint is often given inside a transaction; what it starts is not a part of that.
    const subscription = { wake: this.#nesting.detach(wake), onError: this.#nesting.detach(onError) };
    subscribers.add(subscription);
    this.#started ??= this.#source.start(
      (changed, reason) => this.#spread(changed, reason),
      (error) => this.#fail(error),
    );
    await this.#started;
    return async () => {
      subscribers.delete(subscription);
      if (subscribers.size === 0 && this.#subscriptions.get(queue) === subscribers)
        this.#subscriptions.delete(queue);
      if (this.#subscriptions.size === 0) this.#stop();
    };
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#subscriptions.clear();
    this.#stop();
  }

  #stop(): void {
    this.#source.stop();
    this.#started = null;
  }

  #spread(queue: string | null, reason: WakeReason): void {
    if (queue !== null) return this.publish(queue, reason);
    for (const subscribed of this.#subscriptions.keys()) this.publish(subscribed, reason);
  }

  #fail(error: unknown): void {
    for (const subscribers of this.#subscriptions.values()) {
      for (const { onError } of subscribers) onError(error);
    }
  }
}

/** A hint keeps no process alive. Only Node's timers could. */
function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
