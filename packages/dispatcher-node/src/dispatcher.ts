import {
  type Clock,
  type DurableHooksProcessor,
  invalidOption,
  optionalFunction,
  requireInteger,
  requireKnown,
  systemClock,
} from "@sherd/core";
import { PollingLoop } from "./polling-loop.ts";

export interface DispatcherOptions {
  /** The processor of one fragment, or of one pool of subjects. */
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
  /** Seams for tests. */
  readonly clock?: Clock;
  readonly random?: () => number;
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
   * attempt. Resolves when all is settled; later calls share the first. Rejects only with
   * `INVALID_OPTION`, and then has not stopped.
   */
  stopPolling(options?: StopPollingOptions): Promise<void>;
  /** Look now, without waiting for a wake-up. */
  wake(): void;
}

const optionNames = [
  "processor",
  "processors",
  "pollIntervalMs",
  "onError",
  "clock",
  "random",
] as const satisfies (keyof DispatcherOptions)[];
const longestPollMs = 86_400_000;

/** Make a dispatcher for this process. Fails with `INVALID_OPTION`. */
export function createDurableHooksDispatcher(options: DispatcherOptions): DurableHooksDispatcher {
  requireKnown("dispatcher", options, optionNames);
  const pollIntervalMs = requireInteger("pollIntervalMs", options.pollIntervalMs ?? 5_000, 10, longestPollMs);
  const onError = optionalFunction("onError", options.onError);
  const { clock = systemClock, random = Math.random } = options;
  const loops = processorsOf(options).map(
    (processor) => new PollingLoop({ processor, pollIntervalMs, clock, random, onError }),
  );
  return {
    startPolling: () => loops.forEach((loop) => loop.start()),
    async stopPolling({ deadlineMs = 30_000 } = {}) {
      requireInteger("stopPolling.deadlineMs", deadlineMs, 0);
      await Promise.all(loops.map((loop) => loop.stop(deadlineMs)));
    },
    wake: () => loops.forEach((loop) => loop.wake(true)),
  };
}

function processorsOf({ processor, processors = [] }: DispatcherOptions): readonly DurableHooksProcessor[] {
  const all = processor === undefined ? processors : [processor, ...processors];
  if (all.length === 0) throw invalidOption("processor", processor, "given: a dispatcher needs a processor");
  for (const one of all) {
    if (typeof one?.wake !== "function") {
      throw invalidOption(
        "processor",
        one,
        "what createDurableHooksProcessor, which makes null without hooks, or runSubjects made",
      );
    }
  }
  return all;
}
