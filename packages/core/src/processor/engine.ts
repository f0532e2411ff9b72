import { uuidv7 } from "uuidv7";
import type { ClaimRequest, Extension } from "../adapter/storage.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import { EmptiedLeases } from "./emptied-leases.ts";
import { Heartbeat } from "./heartbeat.ts";
import { IdleWaiters, within } from "./idle-waiters.ts";
import { LeaseBook } from "./lease-book.ts";
import { type Aftermath, Outcomes } from "./outcomes.ts";
import type { WakeListener } from "./processor.ts";
import { type RecoveredHook, recoverAbandoned, type RecoverOptions } from "./recovery.ts";
import { Retention } from "./retention.ts";
import { Slots } from "./slots.ts";
import { sweepQueue } from "./sweep.ts";
import type { Counts } from "./tally.ts";

/** With a backlog to claim, what becomes due meanwhile is looked for this often, so that priorities hold. */
const busySweepMs = 250;
/** While it is busy, a processor asks for many hooks at a time rather than for one at a time often. */
const claimSpacingMs = 5;
/** How soon a claim that failed while slots were refilled is tried again. */
const failedClaimPauseMs = 200;
/** How long handlers have to react to the abort of their signal when the processor stops. */
const abortGraceMs = 500;
/** How long the outcomes of a stopping processor may take to be settled beyond its deadline. */
const settleGraceMs = 5_000;

/** The processor's moving part: the pump that claims into free slots, and its beginning and end. */
export class Engine {
  readonly #fragment: FragmentInternals;
  readonly #owner: string;
  readonly #names: readonly string[];
  readonly #leases = new LeaseBook();
  readonly #emptied: EmptiedLeases;
  readonly #outcomes: Outcomes;
  readonly #slots: Slots;
  readonly #heartbeat: Heartbeat;
  readonly #retention: Retention;
  readonly #listeners = new Set<WakeListener>();
  readonly #idle = new IdleWaiters(() => this.#isIdle);
  #pumping: Promise<number> | null = null;
  #isWanted = false;
  /** A slot became free while a claim was under way, which may have left something behind for it. */
  #wantsRefill = false;
  #wantsSweep = false;
  /** True when the last claim left something behind that a free slot could take. */
  #hasMore = false;
  /** True since slots were full: then nobody has looked yet for what is due later. */
  #wasFull = false;
  #isClosed = false;
  #stopped: Promise<void> | null = null;
  #cancelRefill: (() => void) | null = null;
  #lastSweptAt = 0;
  #cancelHints = 0;

  constructor(fragment: FragmentInternals) {
    const { adapter, hooks, queue, settings, report } = fragment;
    this.#fragment = fragment;
    this.#owner = settings.owner ?? `processor-${uuidv7()}`;
    this.#names = [...hooks.keys()];
    this.#emptied = new EmptiedLeases(fragment, this.#leases);
    this.#outcomes = new Outcomes(fragment, this.#leases, this.#owner, (aftermath) => this.#after(aftermath));
    this.#slots = new Slots(
      fragment,
      (attempt, end) => {
        this.#outcomes.end(attempt, end);
        if (this.#hasMore && !this.#isClosed) this.#refill();
      },
      (attempt, error, isSettling) => this.#outcomes.fenced(attempt, error, isSettling),
    );
    this.#heartbeat = new Heartbeat({
      storage: adapter.storage,
      queue,
      leaseMs: settings.leaseMs,
      openLeases: () => this.#leases.open(),
      clock: settings.clock,
      onExtended: (extension) => this.#extended(extension),
      onError: (error) => report.error(error, "heartbeat"),
    });
    this.#retention = new Retention(fragment);
  }

  get running(): number {
    return this.#slots.taken;
  }

  get free(): number {
    return this.#hasMore ? 0 : this.#slots.free;
  }

  listen(listener: WakeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Answers how many hooks were started, by this call and those that it coalesced with. */
  async wake(sweep: boolean): Promise<number> {
    if (this.#isClosed) return 0;
    this.#isWanted = true;
    this.#wantsSweep ||= sweep;
    this.#pumping ??= this.#pump();
    return this.#pumping;
  }

  nextWakeInMs(): Promise<number | null> {
    return this.#fragment.adapter.storage.nextWakeInMs(this.#fragment.queue, this.#names);
  }

  idle(): Promise<void> {
    return this.#idle.wait();
  }

  /** Someone asked a running hook to stop: the heartbeat's answer tells which. */
  checkCancellations(): void {
    this.#cancelHints += 1;
    void this.#heartbeat.beatAnew();
  }

  /** No claim is in flight meanwhile, so every lease that is not in the book is another's. */
  async recover(options: RecoverOptions): Promise<readonly RecoveredHook[]> {
    while (this.#pumping !== null) await this.#pumping.catch(() => {});
    const recovering = this.#fragment
      .ready()
      .then(() => recoverAbandoned(this.#fragment, this.#leases.open(), options));
    this.#pumping = this.#asPump(recovering);
    return recovering;
  }

  /** Who wakes the processor meanwhile waits, and a pump follows. */
  async #asPump(work: Promise<unknown>): Promise<number> {
    await work.catch(() => {});
    this.#pumping = this.#isWanted ? this.#pump() : null;
    this.#idle.tell();
    return (await this.#pumping) ?? 0;
  }

  prune(): Promise<void> {
    return this.#retention.run();
  }

  /** Claim for `claimMs`, and give running handlers until `deadlineMs`. */
  async processDue(deadlineMs: number, claimMs: number): Promise<Counts> {
    const { clock } = this.#fragment.settings;
    const startedAt = clock.elapsed();
    const before = this.#outcomes.tally.counts();
    let leftMs = 0;
    try {
      await this.#processUntil(startedAt + Math.min(claimMs, deadlineMs));
      leftMs = Math.max(0, startedAt + deadlineMs - clock.elapsed());
    } finally {
      // Whatever is left must not go on unwatched, also when the database failed us; a `stop` sees to it itself.
      if (this.#stopped === null) await this.#pause(leftMs);
    }
    return this.#outcomes.tally.since(before);
  }

  /** Give back what still runs after `withinMs`, close what is open, and be ready to go on. */
  async #pause(withinMs: number): Promise<void> {
    if (this.#slots.taken > 0) await this.#drain(withinMs);
    this.#isClosed = this.#stopped !== null;
    await this.#emptied.close();
    await this.#retention.end();
  }

  async #processUntil(until: number): Promise<void> {
    const { clock } = this.#fragment.settings;
    let started: Counts | null = null;
    while (!this.#isClosed && clock.elapsed() < until) {
      const counts = this.#outcomes.tally.counts();
      // A round that ended nothing, although something was said to be due, would only be repeated.
      if (started !== null && sum(counts) === sum(started)) return;
      started = counts;
      await this.wake(true);
      await this.#idle.waitWithin(until - clock.elapsed(), clock);
      if (this.#slots.taken > 0 || (await this.nextWakeInMs()) !== 0) return;
    }
  }

  stop(deadlineMs: number): Promise<void> {
    this.#retention.stop();
    this.#stopped ??= this.#drain(deadlineMs).then(() => this.#outcomes.abandon());
    return this.#stopped;
  }

  async #pump(): Promise<number> {
    let started = 0;
    try {
      // It always takes a turn, so the caller holds this promise before it can be cleared.
      await this.#fragment.ready();
      while (this.#isWanted && !this.#isClosed) {
        this.#isWanted = false;
        if (this.#wantsSweep) await this.#sweep();
        started += await this.#fill();
      }
      return started;
    } finally {
      this.#pumping = null;
      if (this.#wantsRefill && this.#hasMore && !this.#isClosed) this.#refill();
      this.#wantsRefill = false;
      this.#idle.tell();
    }
  }

  async #sweep(): Promise<void> {
    this.#wantsSweep = false;
    this.#lastSweptAt = this.#fragment.settings.clock.elapsed();
    await this.#heartbeat.catchUp();
    await sweepQueue(this.#fragment, () => !this.#isClosed);
    this.#retention.begin();
  }

  /** Claim until the slots are full or nothing more is there to claim. */
  async #fill(): Promise<number> {
    const { storage } = this.#fragment.adapter;
    let started = 0;
    do {
      const limit = this.#slots.claimable;
      this.#hasMore = limit <= 0;
      this.#wasFull ||= this.#hasMore;
      if (this.#hasMore) return started;
      const closed = this.#leases.takeEmptied();
      const hints = this.#cancelHints;
      try {
        const { items, more } = await storage.claim(this.#request(limit), closed);
        this.#hasMore = more;
        this.#begin(items);
        started += items.length;
        // A hint that came meanwhile may have meant what was just claimed.
        if (hints !== this.#cancelHints) this.checkCancellations();
      } catch (error) {
        this.#leases.putBack(closed);
        throw error;
      }
    } while (this.#hasMore && !this.#isClosed);
    if (this.#wasFull) {
      this.#wasFull = false;
      this.#tell((listener) => listener.onWake());
    }
    return started;
  }

  /** What a listener throws is its own, and stops nothing here. */
  #tell(what: (listener: WakeListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        what(listener);
      } catch (error) {
        this.#fragment.report.error(error, "callback");
      }
    }
  }

  #request(limit: number): ClaimRequest {
    const { queue, settings } = this.#fragment;
    const suspects = { lostFrom: this.#slots.suspectFrom, takesOne: !this.#slots.hasSuspect };
    return { queue, names: this.#names, limit, leaseMs: settings.leaseMs, owner: this.#owner, suspects };
  }

  #begin(items: Parameters<Slots["start"]>[0]): void {
    if (items.length === 0) return;
    this.#leases.add(items);
    this.#heartbeat.start();
    if (this.#isClosed) this.#slots.refuse(items);
    else this.#slots.start(items);
  }

  #after({ attempts, dueInMs, gaveBack }: Aftermath): void {
    const { adapter, queue } = this.#fragment;
    for (const attempt of attempts) {
      this.#slots.release(attempt);
      // Its end may have freed the next one of its key, or the next suspect.
      const { concurrencyKey, lost } = attempt.item;
      if (concurrencyKey !== null || lost >= this.#slots.suspectFrom) this.#hasMore = true;
    }
    if (gaveBack || (this.#isClosed && dueInMs === 0)) adapter.notifier.publish(queue, "work");
    if (!this.#isClosed) {
      this.#hasMore ||= gaveBack;
      if (dueInMs !== null) this.#tell((listener) => listener.onDueIn(dueInMs));
      if (this.#hasMore) this.#refill();
    }
    if (this.#slots.taken > 0) return;
    this.#heartbeat.stop();
    if (!this.#hasMore) void this.#emptied.close();
    this.#idle.tell();
  }

  /** Nothing is in flight, and no claim that could put something there. */
  get #isIdle(): boolean {
    return this.#slots.taken === 0 && this.#pumping === null && this.#cancelRefill === null;
  }

  /** By a claim of its own: nobody who has called `wake` waits for it, or hears of its errors. */
  #refill(): void {
    const { clock } = this.#fragment.settings;
    if (this.#pumping !== null) {
      this.#wantsRefill = true;
      return;
    }
    const claim = () => {
      this.#cancelRefill = null;
      const sweep = clock.elapsed() - this.#lastSweptAt >= busySweepMs;
      this.wake(sweep).catch((error: unknown) => {
        this.#fragment.report.error(error, "claim");
        // Nobody else knows that something was left behind.
        this.#hasMore = true;
        this.#tell((listener) => listener.onDueIn(failedClaimPauseMs));
      });
    };
    if (this.#isWorthAClaim) {
      this.#cancelRefill?.();
      claim();
    } else {
      this.#cancelRefill ??= clock.schedule(claim, claimSpacingMs);
    }
  }

  /** While hooks pass quickly, when half of what may be claimed is; else when a quarter of the slots are free. */
  get #isWorthAClaim(): boolean {
    const { concurrency } = this.#fragment.settings;
    const { allowedAhead, claimable } = this.#slots;
    return claimable >= (allowedAhead > 0 ? (concurrency + allowedAhead) / 2 : concurrency / 4);
  }

  #extended({ gone, cancelled }: Extension): void {
    for (const lease of gone) this.#leases.drop(lease);
    this.#slots.lose(gone);
    this.#slots.cancel(cancelled);
  }

  async #drain(deadlineMs: number): Promise<void> {
    const { clock } = this.#fragment.settings;
    this.#isClosed = true;
    this.#cancelRefill?.();
    this.#cancelRefill = null;
    // Not the claim in flight either is waited for without a bound: it may wait for what a handler holds.
    this.#slots.refuseWaiting();
    await this.#idle.waitWithin(deadlineMs, clock);
    if (!this.#isIdle) {
      this.#slots.interrupt();
      await this.#idle.waitWithin(abortGraceMs, clock);
      this.#slots.giveBack();
      await this.#idle.waitWithin(settleGraceMs, clock);
    }
    this.#heartbeat.stop();
    await within(settleGraceMs, Promise.all([this.#emptied.close(), this.#retention.end()]), clock);
  }
}

function sum(counts: Counts): number {
  return counts.completed + counts.failed + counts.givenBack + counts.other;
}
