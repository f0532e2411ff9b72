import { type DurableHooksProcessor, SherdError } from "@sherd/core";
import { PollingLoop } from "./polling-loop.ts";

export interface DispatcherOptions {
  /** One fragment's processor. */
  readonly processor?: DurableHooksProcessor;
  /** Those of several fragments; each has a loop and slots of its own, so none blocks another. */
  readonly processors?: readonly DurableHooksProcessor[];
  /**
   * How often to look although nothing said to, in milliseconds, ±10 %: the backstop for wake-ups that were
   * lost. Hooks start on time without it. Default: 5,000.
   */
  readonly pollIntervalMs?: number;
  /** Hears of errors of the database and of wake-up connections; the loop goes on by itself. */
  readonly onError?: (error: unknown, context: DispatcherErrorContext) => void;
}

export interface DispatcherErrorContext {
  readonly namespace: string;
}

export interface StopPollingOptions {
  /** How long running hooks may go on, in milliseconds, before they are interrupted and given back. Default: 30,000. */
  readonly deadlineMs?: number;
}

/** Decides when processors run: on commits, on notifications, when something becomes due, and on a slow poll. */
export interface DurableHooksDispatcher {
  /** Begin, now. Does nothing when it has begun. Keeps the process alive until `stopPolling`. */
  startPolling(): void;
  /**
   * Stop for good: no further claims, running hooks end or are given back at the deadline without using up an
   * attempt. Resolves when all is settled; later calls share the first. Never rejects.
   */
  stopPolling(options?: StopPollingOptions): Promise<void>;
  /** Look now, without waiting for a wake-up. */
  wake(): void;
}

const optionNames: readonly string[] = ["processor", "processors", "pollIntervalMs", "onError"];

/** Make a dispatcher for this process. Fails with `INVALID_OPTION`. */
export function createDurableHooksDispatcher(options: DispatcherOptions): DurableHooksDispatcher {
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name))
      throw invalid(name, undefined, `absent: a dispatcher takes ${optionNames.join(", ")}`);
  }
  const { pollIntervalMs = 5_000, onError } = options;
  if (!(Number.isFinite(pollIntervalMs) && pollIntervalMs >= 10 && pollIntervalMs <= 86_400_000)) {
    throw invalid("pollIntervalMs", pollIntervalMs, "a number from 10 to 86400000");
  }
  const processors = [...(options.processor ? [options.processor] : []), ...(options.processors ?? [])];
  if (processors.length === 0)
    throw invalid("processor", options.processor, "given: a dispatcher needs a processor");
  const loops = processors.map((processor) => new PollingLoop({ processor, pollIntervalMs, onError }));
  return {
    startPolling: () => loops.forEach((loop) => loop.start()),
    async stopPolling({ deadlineMs = 30_000 } = {}) {
      await Promise.all(loops.map((loop) => loop.stop(deadlineMs)));
    },
    wake: () => loops.forEach((loop) => loop.wake(true)),
  };
}

function invalid(option: string, received: unknown, expected: string): SherdError {
  return new SherdError(
    "INVALID_OPTION",
    `Option ${option} must be ${expected}, but is ${String(received)}.`,
    {
      option,
      received,
    },
  );
}
