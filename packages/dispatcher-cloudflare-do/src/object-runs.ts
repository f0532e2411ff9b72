import { type DurableHooksProcessor, isSherdError, type ProcessedHooks } from "@sherd/core";
import { recoverInterrupted } from "./interruptions.ts";
import type { ObjectAlarm } from "./object-alarm.ts";

/** How one run over all processors of an object went. */
export interface ObjectReport extends Omit<ProcessedHooks, "nextWakeAt"> {
  /** When the object's alarm will ring; null when nothing waits. */
  readonly nextAlarmAt: Date | null;
}

/** What an operator asks of an object. */
export interface ObjectStatus {
  readonly alarmAt: Date | null;
  /** When something is due, for each namespace; null when nothing waits there. */
  readonly nextWakeAt: Readonly<Record<string, Date | null>>;
}

export interface RunOptions {
  readonly state: DurableObjectState;
  readonly processors: readonly DurableHooksProcessor[];
  readonly alarm: ObjectAlarm;
  readonly budgetMs: number;
  readonly deadlineMs: number;
  readonly maxInterruptions: number;
  readonly onError: (error: unknown, namespace: string) => void;
}

/** An object that dies during a run is woken after so long, if nothing wakes it before. */
const safetyMs = 15_000;
/** An alarm that is overdue by more than this is one that the platform is in trouble with. */
const overdueGraceMs = 10_000;
const firstBackoffMs = 1_000;
const longestBackoffMs = 300_000;
const pruneEveryMs = 3_600_000;
const prunedKey = "sherd:pruned";

/** The runs of an object's processors, and the alarm before and after them. At most one run is under way. */
export class ObjectRuns {
  readonly #options: RunOptions;
  #running: Promise<ObjectReport> | null = null;
  #isRecovered = false;
  #prunedAt: number | null = null;
  #failures = 0;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Run what is due. Rejects, with the alarm set for another try, when a run itself failed. */
  run(): Promise<ObjectReport> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Take back what an earlier incarnation held, and see to it that an alarm is set for what waits. */
  async heal(): Promise<void> {
    const { alarm } = this.#options;
    if (this.#running !== null) return;
    if (this.#isRecovered && (await alarm.isAsLeft(overdueGraceMs))) return;
    try {
      await this.#recover();
      const next = await this.#nextWakeAt();
      if (next !== null) await alarm.heal(next, overdueGraceMs);
    } catch (error) {
      // Where there are no tables yet, nothing waits.
      if (!isSherdError(error, "NOT_MIGRATED")) throw error;
    }
  }

  async status(): Promise<ObjectStatus> {
    const { processors, state } = this.#options;
    const alarmAt = await state.storage.getAlarm();
    const waits = await Promise.all(
      processors.map(async (one) => [one.namespace, await one.getNextWakeAt()] as const),
    );
    return { alarmAt: toDate(alarmAt), nextWakeAt: Object.fromEntries(waits) };
  }

  async #run(): Promise<ObjectReport> {
    const { processors, alarm, budgetMs, deadlineMs, onError } = this.#options;
    await alarm.arm(Date.now() + safetyMs);
    await this.#recover();
    let { changes } = alarm;
    const runs = await Promise.allSettled(
      processors.map((one) => one.processDue({ claimMs: budgetMs, deadlineMs })),
    );
    const failed = runs.flatMap((run, index) =>
      run.status === "rejected" ? [{ error: run.reason as unknown, processor: processors[index] }] : [],
    );
    for (const { error, processor } of failed) onError(error, processor?.namespace ?? "");
    this.#failures = failed.length > 0 ? this.#failures + 1 : 0;
    const retryAt = failed.length > 0 ? Date.now() + this.#backoffMs() : null;
    const reports = runs.flatMap((run) => (run.status === "fulfilled" ? [run.value] : []));
    let next = earliest(retryAt, ...reports.map(({ nextWakeAt }) => nextWakeAt?.getTime() ?? null));
    while (!(await alarm.replace(next, changes))) {
      ({ changes } = alarm);
      next = earliest(retryAt, await this.#nextWakeAt(failed.map(({ processor }) => processor)));
    }
    // The platform tries a failed alarm again by itself; what we have set is for when it gives up.
    if (failed.length > 0) throw asOne(failed.map(({ error }) => error));
    await this.#prune();
    return { ...sum(reports), nextAlarmAt: toDate(next) };
  }

  async #recover(): Promise<void> {
    if (this.#isRecovered) return;
    const { state, processors, maxInterruptions } = this.#options;
    await recoverInterrupted(state.storage, processors, maxInterruptions);
    this.#isRecovered = true;
  }

  async #nextWakeAt(except: readonly unknown[] = []): Promise<number | null> {
    const asked = this.#options.processors.filter((one) => !except.includes(one));
    const waits = await Promise.all(asked.map((one) => one.getNextWakeInMs()));
    const inMs = earliest(...waits);
    return inMs === null ? null : Date.now() + inMs;
  }

  #backoffMs(): number {
    return Math.min(firstBackoffMs * 2 ** (this.#failures - 1), longestBackoffMs);
  }

  /** Objects come and go too fast for the processors' own rounds. */
  async #prune(): Promise<void> {
    const { state, processors } = this.#options;
    this.#prunedAt ??= (await state.storage.get<number>(prunedKey)) ?? 0;
    if (Date.now() - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = Date.now();
    await state.storage.put(prunedKey, this.#prunedAt);
    for (const processor of processors) await processor.prune();
  }
}

function sum(reports: readonly ProcessedHooks[]): Omit<ProcessedHooks, "nextWakeAt"> {
  const total = { completed: 0, failed: 0, givenBack: 0, other: 0 };
  for (const report of reports) {
    total.completed += report.completed;
    total.failed += report.failed;
    total.givenBack += report.givenBack;
    total.other += report.other;
  }
  return total;
}

function asOne(errors: readonly unknown[]): unknown {
  return errors.length === 1
    ? errors[0]
    : new AggregateError(errors, "Several processors of the object failed.");
}

function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}
