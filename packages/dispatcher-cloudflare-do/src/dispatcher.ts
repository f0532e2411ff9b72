import {
  type DurableHooksProcessor,
  invalidOption,
  optionalFunction,
  requireInteger,
  requireKnown,
} from "@sherd/core";
import { answerRequest } from "./answer-request.ts";
import { ObjectAlarm } from "./object-alarm.ts";
import { type ObjectReport, ObjectRuns, type ObjectStatus } from "./object-runs.ts";

/** What `createDurableHooksProcessor` or `runSubjects` made, one or several. That of a fragment without hooks is null. */
export type Processors = DurableHooksProcessor | null | readonly (DurableHooksProcessor | null)[];

export interface DispatcherOptions<Env> {
  /** Make the processors of one object, once for each of its incarnations. */
  readonly createProcessor: (state: DurableObjectState, env: Env) => Processors;
  /** Hears of runs that failed. An alarm's failure is thrown to the platform as well, which tries it again. */
  readonly onProcessError?: (error: unknown, context: ProcessErrorContext) => void;
  /** How long one alarm starts new hooks, in milliseconds; what is left goes to the next alarm. Default: 30,000. */
  readonly budgetMs?: number;
  /**
   * When an alarm interrupts the hooks that still run and gives them back, in milliseconds. The platform ends an alarm after 15
   * minutes. Default: 600,000.
   */
  readonly deadlineMs?: number;
  /**
   * How many incarnations of the object in a row may end during an attempt without using it up; beyond that it counts as lost, as
   * it may be what ends them. Default: 5.
   */
  readonly maxInterruptions?: number;
}

export interface ProcessErrorContext {
  readonly namespace: string;
}

/** What an object's class calls. Everything is absent when the object has no hooks. */
export interface DurableHooksDurableObject {
  /** Run what is due, then set the alarm for what comes next. Rejects when the run failed, so that the platform tries again. */
  readonly alarm?: (info?: AlarmInvocationInfo) => Promise<void>;
  /** Arm the alarm for now. Triggers do so themselves; call it for what Sherd cannot see. Runs nothing. */
  readonly notify?: (context?: { readonly waitUntil?: (promise: Promise<unknown>) => void }) => Promise<void>;
  /** Run what is due now, without waiting for the alarm. */
  readonly drain?: () => Promise<ObjectReport>;
  /** Put an alarm that was lost, moved or stuck in its place again. Cheap when there is nothing to do: call it on every request. */
  readonly heal?: () => Promise<void>;
  readonly status?: () => Promise<ObjectStatus>;
  /**
   * Have the object's `alarm()` called at `at` for code of your own, beside Sherd's: neither moves the other's. Null takes it
   * back. It is stored, and rings once.
   */
  readonly setAlarm?: (at: Date | number | null) => Promise<void>;
  /** Answer `POST …/drain`, `POST …/notify` and `GET …/status`, for Workers that reach the object by requests. Let no public request through. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

const optionNames = [
  "createProcessor",
  "onProcessError",
  "budgetMs",
  "deadlineMs",
  "maxInterruptions",
] as const satisfies (keyof DispatcherOptions<unknown>)[];
const platformLimitMs = 900_000;

/**
 * Drive durable hooks by the alarm of a Durable Object. Call the answered function in the constructor of the object's class, after
 * migrating: it takes back at once what an earlier incarnation held. Fails with `INVALID_OPTION`.
 */
export function createDurableHooksDispatcherDurableObject<Env = unknown>(
  options: DispatcherOptions<Env>,
): (state: DurableObjectState, env: Env) => DurableHooksDurableObject {
  requireKnown("dispatcher", options, optionNames);
  if (typeof options.createProcessor !== "function")
    throw invalidOption("createProcessor", options.createProcessor, "a function");
  const onError = optionalFunction("onProcessError", options.onProcessError);
  const deadlineMs = requireInteger("deadlineMs", options.deadlineMs ?? 600_000, 100, platformLimitMs);
  const limits = {
    deadlineMs,
    budgetMs: requireInteger("budgetMs", options.budgetMs ?? Math.min(30_000, deadlineMs), 1, deadlineMs),
    maxInterruptions: requireInteger("maxInterruptions", options.maxInterruptions ?? 5, 0),
  };
  return (state, env) => {
    const processors = present(options.createProcessor(state, env));
    if (processors.length === 0) return {};
    const alarm = new ObjectAlarm(state.storage);
    const tell = guarded(onError);
    const runs = new ObjectRuns({ state, processors, alarm, ...limits, onError: tell });
    for (const processor of processors) {
      const { namespace } = processor;
      const onError = (error: unknown) => tell(error, namespace);
      // The subscription lasts as long as the object.
      void processor
        .subscribe({
          onWake: () => state.waitUntil(runs.wake(processor)),
          onDueIn: () => alarm.touch(),
          onTriggering: (dueInMs) => alarm.arm(Date.now() + dueInMs),
          onError,
        })
        .catch(onError);
    }
    void state.blockConcurrencyWhile(() => runs.heal().catch((error: unknown) => tell(error, "")));
    return handlerOf(runs, alarm);
  };
}

function handlerOf(runs: ObjectRuns, alarm: ObjectAlarm): DurableHooksDurableObject {
  const handler = {
    async alarm() {
      await alarm.ring();
      await runs.run();
    },
    async notify({ waitUntil }: { readonly waitUntil?: (promise: Promise<unknown>) => void } = {}) {
      const armed = alarm.arm(Date.now());
      waitUntil?.(armed);
      await armed;
    },
    drain: () => runs.run(),
    heal: () => runs.heal(),
    status: () => runs.status(),
    setAlarm: async (at: Date | number | null) => runs.share(at === null ? null : moment(at)),
    fetch: (request: Request) => answerRequest(request, handler),
  };
  return handler;
}

function moment(at: Date | number): number {
  const time = at instanceof Date ? at.getTime() : at;
  if (Number.isFinite(time)) return time;
  throw invalidOption("setAlarm", at, "a valid Date, milliseconds since the epoch, or null");
}

function present(processors: Processors): readonly DurableHooksProcessor[] {
  const all = Array.isArray(processors)
    ? (processors as readonly (DurableHooksProcessor | null)[])
    : [processors];
  for (const one of all) {
    if (one !== null && typeof (one as DurableHooksProcessor | undefined)?.processDue !== "function")
      throw invalidOption(
        "createProcessor",
        one,
        "a function that answers what createDurableHooksProcessor or runSubjects made",
      );
  }
  return (all as readonly (DurableHooksProcessor | null)[]).filter((one) => one !== null);
}

function guarded(
  onError: ((error: unknown, context: ProcessErrorContext) => void) | null,
): (error: unknown, namespace: string) => void {
  return (error, namespace) => {
    try {
      onError?.(error, { namespace });
    } catch {
      // The error handler itself failed, and there is nobody else to tell.
    }
  };
}
