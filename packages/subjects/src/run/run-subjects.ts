import { type DurableHooksProcessor, requireInteger, type WakeListener } from "@sherd/core";
import type { Pool } from "../pool.ts";
import type { SubjectInternals } from "../internals.ts";
import { SubjectEngine } from "./engine.ts";
import { type RunSubjects, runSettings } from "./options.ts";

/** Make the processor of a pool. */
export function runSubjects(
  internals: SubjectInternals,
  options: RunSubjects<Record<string, Pool>, string>,
): DurableHooksProcessor {
  const settings = runSettings(internals, options);
  const engine = new SubjectEngine(internals, settings);
  const { clock, adapter } = internals;
  const nextWakeAt = async () => {
    const inMs = await engine.nextWakeInMs();
    return inMs === null ? null : new Date(clock.now() + inMs);
  };
  return {
    namespace: engine.queue,
    concurrency: settings.concurrency,
    get running() {
      return engine.running;
    },
    get free() {
      return engine.free;
    },
    wake: ({ sweep = true } = {}) => engine.wake(sweep),
    getNextWakeInMs: () => engine.nextWakeInMs(),
    getNextWakeAt: nextWakeAt,
    async processDue({ deadlineMs = 30_000, claimMs } = {}) {
      requireInteger("processDue.deadlineMs", deadlineMs, 0);
      requireInteger("processDue.claimMs", claimMs ?? deadlineMs, 0);
      const counts = await engine.processDue(deadlineMs, claimMs ?? deadlineMs);
      return { ...counts, nextWakeAt: await nextWakeAt() };
    },
    recover: (recovery = {}) => engine.recover(recovery),
    // Nothing finishes for good.
    prune: async () => {},
    idle: () => engine.idle(),
    async subscribe(listener) {
      const forget = engine.listen(listener);
      const unhear = hear(internals, engine.queue, listener);
      const unsubscribe = await adapter.notifier.subscribe(
        engine.queue,
        () => listener.onWake(),
        (error) => listener.onError(error),
      );
      return async () => {
        forget();
        unhear();
        await unsubscribe();
      };
    },
    stop: async ({ deadlineMs = 30_000 } = {}) =>
      engine.stop(requireInteger("stop.deadlineMs", deadlineMs, 0)),
  };
}

/** Have calls in this process tell the listener within their transactions when something will be due. */
function hear({ triggering }: SubjectInternals, queue: string, listener: WakeListener): () => void {
  if (listener.onTriggering === undefined) return () => {};
  const tell = async (dueInMs: number) => listener.onTriggering?.(dueInMs);
  const tellers = triggering.get(queue) ?? new Set();
  triggering.set(queue, tellers.add(tell));
  return () => tellers.delete(tell);
}
