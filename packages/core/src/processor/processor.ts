import type { WakeReason } from "../adapter/notifier.ts";
import type { AnyFragment } from "../fragment/fragment.ts";
import { internalsOf } from "../fragment/internals.ts";
import { requireInteger } from "../options/require-option.ts";
import { Engine } from "./engine.ts";
import type { RecoveredHook, RecoverOptions } from "./recovery.ts";

/** What a dispatcher is told by its processor. */
export interface WakeListener {
  /** There may be due hooks: call `wake` soon. */
  onWake(): void;
  /** Something will be due in so many milliseconds. */
  onDueIn(delayMs: number): void;
  /**
   * Hooks were triggered, the earliest of them due in so many milliseconds, and their transaction is about to commit: what
   * it throws rolls them back. Where a storage has one transaction at a time, as a Durable Object's does, what is written to
   * it before the answer resolves commits with them.
   */
  onTriggering?(dueInMs: number): Promise<void>;
  /** The connection that carries wake-ups had to be made anew; the poll bridges the gap. */
  onError(error: unknown): void;
}

export interface WakeOptions {
  /** Also promote what has become due and recover what was lost. Default: true. */
  readonly sweep?: boolean;
}

export interface StopOptions {
  /** How long running handlers may go on, in milliseconds. Default: 30,000. */
  readonly deadlineMs?: number;
}

export interface ProcessDueOptions extends StopOptions {
  /** How long to go on claiming, in milliseconds. Default: until the deadline. */
  readonly claimMs?: number;
}

/** How the hooks of one run ended. */
export interface ProcessedHooks {
  readonly completed: number;
  /** Attempts that failed, whether or not another one follows. */
  readonly failed: number;
  /** Hooks given back: at the deadline, or because no slot came free for them in time. They may have run since. */
  readonly givenBack: number;
  /** Lost, fenced or cancelled attempts. */
  readonly other: number;
  /** When to call again, if no trigger comes before; null when nothing waits. */
  readonly nextWakeAt: Date | null;
}

/**
 * Claims, runs and settles the hooks of one fragment. It keeps up to `concurrency` handlers in flight and
 * refills slots as they free; when it runs is its dispatcher's to say.
 */
export interface DurableHooksProcessor {
  readonly namespace: string;
  readonly concurrency: number;
  /** How many hooks are in flight: their handlers run, or their outcomes are not settled yet. */
  readonly running: number;
  /**
   * How many more hooks it would start now; 0 or less while its slots are full, or while it knows of more that is due and
   * goes on by itself. Listeners are woken when it has caught up.
   */
  readonly free: number;
  /**
   * Claim what is due, as far as slots are free, and start it. Resolves with how many were started, when they have;
   * calls coalesce.
   */
  wake(options?: WakeOptions): Promise<number>;
  /** In how many milliseconds something will be due; 0 when something is; null when nothing waits. */
  getNextWakeInMs(): Promise<number | null>;
  /** The same as a moment on this process's clock. */
  getNextWakeAt(): Promise<Date | null>;
  /**
   * Run what is due, and what becomes due meanwhile, until nothing is or `claimMs` has passed; hooks that still run
   * when `deadlineMs` has passed are interrupted and given back. For hosts without a process that stays.
   */
  processDue(options?: ProcessDueOptions): Promise<ProcessedHooks>;
  /**
   * Take back at once what earlier processors held and did not end. Only for a host where no other process can hold
   * hooks of the fragment, such as a Durable Object. Resolves with what was taken back.
   */
  recover(options?: RecoverOptions): Promise<readonly RecoveredHook[]>;
  /**
   * Delete the finished hooks whose retention has passed. A processor does so by itself about every ten minutes; call it
   * where none stays for so long.
   */
  prune(): Promise<void>;
  /** Resolves when no handler is in flight and every outcome is settled. */
  idle(): Promise<void>;
  /** Hear when to wake, until the answered function is called. */
  subscribe(listener: WakeListener): Promise<() => Promise<void>>;
  /**
   * Stop for good: claim nothing more, let running handlers end until the deadline, then abort their signals and
   * give the rest back without using up an attempt. Resolves when all is settled. Later calls share the first.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** Make the processor of a fragment; null when it has no hooks. */
export function createDurableHooksProcessor(fragment: AnyFragment): DurableHooksProcessor | null {
  const internals = internalsOf(fragment);
  if (internals.hooks.size === 0) return null;
  const { namespace, adapter, queue, settings } = internals;
  const engine = new Engine(internals);
  const nextWakeAt = (inMs: number | null) => (inMs === null ? null : new Date(settings.clock.now() + inMs));
  return {
    namespace,
    concurrency: settings.concurrency,
    get running() {
      return engine.running;
    },
    get free() {
      return engine.free;
    },
    wake: ({ sweep = true } = {}) => engine.wake(sweep),
    getNextWakeInMs: () => engine.nextWakeInMs(),
    getNextWakeAt: async () => nextWakeAt(await engine.nextWakeInMs()),
    async processDue({ deadlineMs, claimMs } = {}) {
      const within = deadline("processDue", deadlineMs);
      const counts = await engine.processDue(
        within,
        requireInteger("processDue.claimMs", claimMs ?? within, 0),
      );
      return { ...counts, nextWakeAt: nextWakeAt(await engine.nextWakeInMs()) };
    },
    recover: (options = {}) => engine.recover(options),
    prune: () => engine.prune(),
    idle: () => engine.idle(),
    async subscribe(listener) {
      const forget = engine.listen(listener);
      const onTriggering = (dueInMs: number) => listener.onTriggering?.(dueInMs) ?? Promise.resolve();
      internals.triggering.add(onTriggering);
      const wake = (reason: WakeReason) =>
        reason === "cancel" ? engine.checkCancellations() : listener.onWake();
      const unsubscribe = await adapter.notifier.subscribe(queue, wake, (error) => listener.onError(error));
      return async () => {
        forget();
        internals.triggering.delete(onTriggering);
        await unsubscribe();
      };
    },
    stop: ({ deadlineMs } = {}) => engine.stop(deadline("stop", deadlineMs)),
  };
}

function deadline(owner: string, deadlineMs = 30_000): number {
  return requireInteger(`${owner}.deadlineMs`, deadlineMs, 0);
}
