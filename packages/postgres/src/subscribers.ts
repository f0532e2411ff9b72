import { AsyncResource } from "node:async_hooks";
import type { WakeReason } from "@sherd/core";

export interface Subscriber {
  readonly wake: (reason: WakeReason) => void;
  readonly onError: (error: unknown) => void;
}

/** Those in this process who want to hear of a queue. */
export class Subscribers {
  readonly #byQueue = new Map<string, Set<Subscriber>>();

  get size(): number {
    return this.#byQueue.size;
  }

  add(queue: string, { wake, onError }: Subscriber): () => void {
    // A hint is often given inside a transaction; what it starts is not a part of that.
    const subscriber = { wake: AsyncResource.bind(wake), onError: AsyncResource.bind(onError) };
    const those = this.#byQueue.get(queue) ?? new Set();
    this.#byQueue.set(queue, those.add(subscriber));
    return () => {
      those.delete(subscriber);
      if (those.size === 0 && this.#byQueue.get(queue) === those) this.#byQueue.delete(queue);
    };
  }

  clear(): void {
    this.#byQueue.clear();
  }

  /** After the caller's own code, so that no subscriber runs, or throws, inside of it. */
  wake(queue: string, reason: WakeReason): void {
    for (const { wake } of this.#byQueue.get(queue) ?? []) queueMicrotask(() => wake(reason));
  }

  /** Hints may have been missed. */
  wakeAll(): void {
    for (const queue of this.#byQueue.keys()) {
      this.wake(queue, "work");
      this.wake(queue, "cancel");
    }
  }

  fail(error: unknown): void {
    for (const those of this.#byQueue.values())
      for (const { onError } of those) queueMicrotask(() => onError(error));
  }
}
