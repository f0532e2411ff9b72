import { type DurableHooksProcessor, isSherdError, type ProcessedHooks } from "@sherd/core";
import { earliest } from "./earliest.ts";
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

type Failures = ReadonlyMap<DurableHooksProcessor, unknown>;

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
  /** The processors that may still hold what an earlier incarnation did not end. */
  #unrecovered: ReadonlySet<DurableHooksProcessor>;
  /** The changes of the alarm that the last run took into account; null until it has come that far. */
  #planned: number | null = null;
  #prunedAt: number | null = null;
  #failures = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#unrecovered = new Set(options.processors);
  }

  /** Run what is due. Rejects, with the alarm set for another try, when a run itself failed. */
  run(): Promise<ObjectReport> {
    this.#running ??= this.#run().finally(() => {
      const { alarm, state } = this.#options;
      this.#running = null;
      // Whoever asked to be woken since then counted on the run.
      if (this.#planned !== null && this.#planned !== alarm.changes) state.waitUntil(alarm.arm(Date.now()));
    });
    return this.#running;
  }

  /** See to it that the alarm is set for what may have become due. A trigger has done so itself, in its transaction. */
  async wake(processor: DurableHooksProcessor): Promise<void> {
    const { alarm } = this.#options;
    alarm.touch();
    if (this.#running !== null || (await alarm.isDue())) return;
    const inMs = await processor.getNextWakeInMs().catch(() => 0);
    if (inMs !== null) await alarm.arm(Date.now() + inMs);
    else await this.#plan();
  }

  /** Take back what an earlier incarnation held, and see to it that an alarm is set for what waits. */
  async heal(): Promise<void> {
    const { alarm } = this.#options;
    if (this.#running !== null) return;
    if (this.#unrecovered.size === 0 && (await alarm.isAsLeft(overdueGraceMs))) return;
    const unrecovered = await this.#recover();
    // Where there are no tables yet, nothing waits.
    const failures = [...unrecovered.values()].filter((error) => !isSherdError(error, "NOT_MIGRATED"));
    const retryAt = failures.length > 0 ? Date.now() + firstBackoffMs : null;
    const next = await this.#nextWakeAt(unrecovered);
    await alarm.heal(earliest(retryAt, next), overdueGraceMs);
    if (failures.length > 0) throw asOne(failures);
  }

  /** Have the object woken at `at` for code that is not Sherd's; null takes that back. */
  async share(at: number | null): Promise<void> {
    if (await this.#options.alarm.share(at)) await this.#plan();
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
    const { alarm, onError, state } = this.#options;
    this.#planned = null;
    await alarm.arm(Date.now() + safetyMs);
    let { changes } = alarm;
    const { reports, failures } = await this.#process();
    for (const [processor, error] of failures) onError(error, processor.namespace);
    this.#failures = failures.size > 0 ? this.#failures + 1 : 0;
    if (failures.size === 0) await this.#prune();
    const retryAt = failures.size > 0 ? Date.now() + this.#backoffMs() : null;
    let next = earliest(retryAt, ...reports.map(({ nextWakeAt }) => nextWakeAt?.getTime() ?? null));
    while (!(await alarm.replace(next, changes))) {
      ({ changes } = alarm);
      next = earliest(retryAt, await this.#nextWakeAt(failures));
    }
    this.#planned = changes;
    // The platform tries a failed alarm again by itself; what we have set is for when it gives up.
    if (failures.size > 0) throw asOne([...failures.values()]);
    return { ...sum(reports), nextAlarmAt: toDate(await state.storage.getAlarm()) };
  }

  /** Run every processor, whatever becomes of the others. */
  async #process(): Promise<{ readonly reports: readonly ProcessedHooks[]; readonly failures: Failures }> {
    const { processors, budgetMs, deadlineMs } = this.#options;
    const failures = new Map(await this.#recover());
    const runs = processors.map(async (one) => {
      if (failures.has(one)) return null;
      return one.processDue({ claimMs: budgetMs, deadlineMs }).catch((error: unknown) => {
        failures.set(one, error);
        return null;
      });
    });
    const reports = await Promise.all(runs);
    return { reports: reports.filter((report) => report !== null), failures };
  }

  /** Set the alarm anew, as a run does at its end. */
  async #plan(): Promise<void> {
    const { alarm } = this.#options;
    let isDone = false;
    while (!isDone && this.#running === null) {
      const { changes } = alarm;
      isDone = await alarm.replace(await this.#nextWakeAt(this.#unrecovered), changes);
    }
  }

  async #recover(): Promise<Failures> {
    if (this.#unrecovered.size === 0) return new Map();
    const { state, maxInterruptions } = this.#options;
    const failures = await recoverInterrupted(state.storage, this.#unrecovered, maxInterruptions);
    this.#unrecovered = new Set(failures.keys());
    return failures;
  }

  async #nextWakeAt(except: { has(one: DurableHooksProcessor): boolean }): Promise<number | null> {
    const asked = this.#options.processors.filter((one) => !except.has(one));
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

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}
