import {
  Heartbeat,
  IdleWaiters,
  type ProcessedHooks,
  type PulledItem,
  type RecoveredHook,
  type RecoverOptions,
  type WakeListener,
  within,
} from "@sherd/core";
import { queueOf, type SubjectInternals } from "../internals.ts";
import { Discovery } from "./discovery.ts";
import { endRun } from "./end-run.ts";
import type { RunSettings } from "./options.ts";
import { recoverSubjects } from "./recover.ts";
import { type RunEnd, SubjectRun } from "./subject-run.ts";

type Counts = Omit<ProcessedHooks, "nextWakeAt">;

/** While it is busy, it asks for many subjects at a time rather than for one at a time often. */
const claimSpacingMs = 5;
/** How long handlers have to react to the abort of their signal when the processor stops. */
const abortGraceMs = 500;
/** How long ends may take to be written beyond the deadline of a stop. */
const endGraceMs = 5_000;

/** Claims subjects into free slots, keeps their leases, and writes how their runs end. */
export class SubjectEngine {
  readonly queue: string;
  readonly #internals: SubjectInternals;
  readonly #settings: RunSettings;
  readonly #runs = new Map<string, SubjectRun>();
  /** Whose end is not written yet, those that run among them. */
  readonly #ending = new Set<Promise<void>>();
  readonly #heartbeat: Heartbeat;
  readonly #discovery: Discovery | null;
  readonly #listeners = new Set<WakeListener>();
  readonly #idle = new IdleWaiters(() => this.#isIdle);
  readonly #counts = { completed: 0, failed: 0, givenBack: 0, other: 0 };
  #pumping: Promise<number> | null = null;
  #isWanted = false;
  #wantsDiscovery = false;
  /** True when the last claim may have left something behind that a free slot could take. */
  #hasMore = false;
  #cancelRefill: (() => void) | null = null;
  #isClosed = false;
  #givesUpAt = Infinity;
  #stopped: Promise<void> | null = null;

  constructor(internals: SubjectInternals, settings: RunSettings) {
    this.#internals = internals;
    this.#settings = settings;
    this.queue = queueOf(internals, settings.dispatcherId);
    this.#heartbeat = new Heartbeat({
      storage: internals.adapter.storage,
      queue: this.queue,
      leaseMs: settings.leaseMs,
      clock: internals.clock,
      openLeases: () => [...this.#runs.values()].map(({ hold }) => hold.lease),
      onExtended: ({ gone }) => this.#lose(new Set(gone)),
      onError: (error) => this.#report(error, "heartbeat"),
    });
    this.#discovery =
      settings.discover === null ? null : new Discovery(internals, settings, () => void this.#look());
  }

  get running(): number {
    return this.#runs.size;
  }

  get free(): number {
    return this.#hasMore ? 0 : this.#settings.concurrency - this.#runs.size;
  }

  listen(listener: WakeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Answers how many runs were started, by this call and those that it coalesced with. */
  async wake(discovers: boolean): Promise<number> {
    if (this.#isClosed) return 0;
    this.#isWanted = true;
    this.#wantsDiscovery ||= discovers;
    this.#pumping ??= this.#pump();
    return this.#pumping;
  }

  async nextWakeInMs(): Promise<number | null> {
    await this.#internals.ready();
    await this.#discovery?.ensure();
    const queues = this.#discovery === null ? [this.queue] : [this.queue, this.#discovery.queue];
    const { storage } = this.#internals.adapter;
    const waits = await Promise.all(queues.map((queue) => storage.nextWakeInMs(queue, [])));
    return waits.reduce((one, other) =>
      one === null || other === null ? (one ?? other) : Math.min(one, other),
    );
  }

  idle(): Promise<void> {
    return this.#idle.wait();
  }

  /** Run what is due, until nothing is or `claimMs` has passed; what still runs after `deadlineMs` is given back. */
  async processDue(deadlineMs: number, claimMs: number): Promise<Counts> {
    const { clock } = this.#internals;
    const startedAt = clock.elapsed();
    const before = { ...this.#counts };
    const until = startedAt + Math.min(claimMs, deadlineMs);
    try {
      while (!this.#isClosed && clock.elapsed() < until) {
        const ended = sum(this.#counts);
        await this.wake(true);
        await this.#idle.waitWithin(until - clock.elapsed(), clock);
        // A round that ended nothing, although something is due, would only be repeated.
        const isStuck = sum(this.#counts) === ended;
        if (isStuck || this.#runs.size > 0 || (await this.nextWakeInMs()) !== 0) break;
      }
    } finally {
      if (this.#stopped === null) {
        await this.#drain(Math.max(0, startedAt + deadlineMs - clock.elapsed()));
        this.#isClosed = this.#stopped !== null;
        this.#givesUpAt = Infinity;
      }
    }
    return difference(this.#counts, before);
  }

  /** Give back what earlier incarnations held, where no other process can hold anything. */
  async recover(options: RecoverOptions): Promise<readonly RecoveredHook[]> {
    await this.#internals.ready();
    const own = new Set([...this.#runs.values()].map(({ hold }) => hold.lease));
    const { adapter } = this.#internals;
    if (this.#discovery !== null && !this.#discovery.isRunning)
      await recoverSubjects(adapter.pull, this.#discovery.queue, new Set(), {});
    return recoverSubjects(adapter.pull, this.queue, own, options);
  }

  stop(deadlineMs: number): Promise<void> {
    // What it would find is for others to run.
    this.#discovery?.interrupt();
    this.#stopped ??= this.#drain(deadlineMs).then(() => this.#heartbeat.stop());
    return this.#stopped;
  }

  get #isIdle(): boolean {
    const isDiscovering = this.#discovery?.isRunning === true;
    const isWorking = this.#ending.size > 0 || this.#pumping !== null || this.#cancelRefill !== null;
    return !isWorking && !isDiscovering;
  }

  async #pump(): Promise<number> {
    let started = 0;
    try {
      // It always takes a turn, so the caller holds this promise before it can be cleared.
      await this.#internals.ready();
      while (this.#isWanted && !this.#isClosed) {
        this.#isWanted = false;
        // A process that stood still must not take its own subjects over.
        await this.#heartbeat.catchUp();
        if (this.#wantsDiscovery) await this.#discovery?.begin();
        this.#wantsDiscovery = false;
        started += await this.#fill();
      }
      return started;
    } finally {
      this.#pumping = null;
      this.#idle.tell();
    }
  }

  async #fill(): Promise<number> {
    const { pull } = this.#internals.adapter;
    const { concurrency, leaseMs } = this.#settings;
    let started = 0;
    while (!this.#isClosed) {
      const limit = concurrency - this.#runs.size;
      this.#hasMore = limit <= 0;
      if (this.#hasMore) return started;
      const { owner } = this.#internals;
      const items = await pull.pull({ queue: this.queue, limit, leaseMs, owner });
      for (const item of items) this.#start(item);
      started += items.length;
      if (items.length < limit) break;
    }
    return started;
  }

  #start(item: PulledItem): void {
    // Only when its lease expired although this process lives; the run that is under way has lost it.
    this.#runs.get(item.key)?.lose();
    const run = new SubjectRun(this.#internals, this.#settings, this.queue, item);
    this.#runs.set(item.key, run);
    this.#heartbeat.start();
    const { profile, report } = this.#internals;
    const { dispatcherId, parkAfter } = this.#settings;
    const { attempts: attempt, lost: consecutiveTimeouts } = item;
    report.event({
      type: "claimed",
      profile,
      dispatcherId,
      subjectKey: item.key,
      attempt,
      consecutiveTimeouts,
    });
    const isParked = consecutiveTimeouts > 0 && item.failures + consecutiveTimeouts >= parkAfter;
    const ending = this.#end(run, isParked ? Promise.resolve(timedOut(consecutiveTimeouts)) : this.#run(run))
      .catch((error: unknown) => this.#report(error, "end"))
      .finally(() => {
        this.#ending.delete(ending);
        this.#idle.tell();
      });
    this.#ending.add(ending);
  }

  /** One that comes after the stop has begun is given back as it is. */
  async #run(run: SubjectRun): Promise<RunEnd> {
    return this.#isClosed ? { kind: "interrupted" } : run.run();
  }

  async #end(run: SubjectRun, ended: Promise<RunEnd>): Promise<void> {
    const end = await ended;
    try {
      const { counted, dueInMs } = await endRun(this.#internals, this.#settings, run, end, (error) =>
        this.#again(run, error),
      );
      this.#counts[counted] += 1;
      if (dueInMs !== null) for (const listener of this.#listeners) listener.onDueIn(dueInMs);
    } catch (error) {
      this.#counts.other += 1;
      throw error;
    } finally {
      if (this.#runs.get(run.key) === run) this.#runs.delete(run.key);
      if (this.#hasMore) this.#refill();
    }
  }

  /** Look for what was left behind, once for all the slots that become free within a moment. */
  #refill(): void {
    if (this.#cancelRefill !== null || this.#isClosed) return;
    this.#cancelRefill = this.#internals.clock.schedule(() => {
      this.#cancelRefill = null;
      void this.#look();
    }, claimSpacingMs);
  }

  /** Wait a moment before an end is written again; false when it is of no use any more. */
  async #again(run: SubjectRun, error: unknown): Promise<boolean> {
    this.#report(error, "end");
    const { clock } = this.#internals;
    if (this.#runs.get(run.key) !== run || clock.elapsed() > this.#givesUpAt) return false;
    await new Promise<void>((resolve) => clock.schedule(resolve, 200));
    return this.#runs.get(run.key) === run;
  }

  /** Claim again, and have the dispatcher find out when to look next. */
  async #look(): Promise<void> {
    try {
      await this.wake(false);
    } catch (error) {
      this.#report(error, "claim");
    }
    if (this.free > 0) for (const listener of this.#listeners) listener.onWake();
    this.#idle.tell();
  }

  #lose(gone: ReadonlySet<string>): void {
    for (const run of this.#runs.values()) if (gone.has(run.hold.lease)) run.lose();
  }

  async #drain(deadlineMs: number): Promise<void> {
    const { clock } = this.#internals;
    this.#isClosed = true;
    this.#givesUpAt = clock.elapsed() + deadlineMs + endGraceMs;
    this.#cancelRefill?.();
    this.#cancelRefill = null;
    await this.#pumping?.catch(() => {});
    const ended = Promise.all([...this.#ending, this.#discovery?.idle()]);
    await within(deadlineMs, ended, clock);
    for (const run of this.#runs.values()) run.interrupt(abortGraceMs);
    this.#discovery?.interrupt();
    await within(abortGraceMs + endGraceMs, ended, clock);
  }

  #report(error: unknown, during: "claim" | "end" | "heartbeat"): void {
    const { profile, report } = this.#internals;
    report.error(error, { profile, dispatcherId: this.#settings.dispatcherId, during });
  }
}

function timedOut(times: number): RunEnd {
  const message = `It was taken over ${times} times in a row: its runs were not heard of again, so it is parked.`;
  return { kind: "failed", error: Object.assign(new Error(message), { code: "LOST" }) };
}

function sum({ completed, failed, givenBack, other }: Counts): number {
  return completed + failed + givenBack + other;
}

function difference(now: Counts, before: Counts): Counts {
  return {
    completed: now.completed - before.completed,
    failed: now.failed - before.failed,
    givenBack: now.givenBack - before.givenBack,
    other: now.other - before.other,
  };
}
