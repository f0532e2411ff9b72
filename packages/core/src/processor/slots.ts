import type { FragmentInternals } from "../fragment/internals.ts";
import type { ClaimedItem } from "../kernel/item.ts";
import { type AttemptEnd, attemptOf } from "../kernel/transition.ts";
import { Alarm } from "./alarm.ts";
import { Attempt } from "./attempt.ts";
import { ClaimedAhead } from "./claimed-ahead.ts";
import { cancellation, interruption, leaseLost, stuckAttempt, timeout } from "./interruption.ts";
import { runHandler } from "./run-handler.ts";

/** How long a handler may take to stop after its signal said so, before its slot is taken from it. */
const graceMs = 5_000;

/** As many outcomes as there are slots may wait for the database, and this many at least, before they keep slots. */
const fewestUnsettled = 1_000;

/**
 * The attempts in flight, up to `concurrency`, and what was claimed a little ahead of them. A slot is taken by an attempt and
 * freed at its end, before it is settled; beyond a bound outcomes that wait to be settled keep theirs, so that a database
 * that is down is not run ahead of for long. A handler that ignores its signal keeps running in its process, but not
 * in a slot.
 */
export class Slots {
  readonly #fragment: FragmentInternals;
  readonly #onEnded: (attempt: Attempt, end: AttemptEnd) => void;
  readonly #onFenced: (attempt: Attempt, error: unknown, isSettling: boolean) => void;
  /** Not settled yet. */
  readonly #taken = new Map<string, Attempt>();
  #running = 0;
  readonly #ahead: ClaimedAhead;
  #willAdvance = false;
  /** Given back because no slot came free: what comes after them must not be claimed before they are. */
  readonly #returning = new Set<Attempt>();
  #suspects = 0;
  readonly #alarm: Alarm;

  constructor(
    fragment: FragmentInternals,
    onEnded: (attempt: Attempt, end: AttemptEnd) => void,
    onFenced: (attempt: Attempt, error: unknown, isSettling: boolean) => void,
  ) {
    this.#fragment = fragment;
    this.#onEnded = onEnded;
    this.#onFenced = onFenced;
    this.#ahead = new ClaimedAhead(fragment.settings.concurrency);
    this.#alarm = new Alarm(fragment.settings.clock, () => this.#endOverdue());
  }

  /** Hooks that are claimed and not settled. */
  get taken(): number {
    return this.#taken.size + this.#ahead.size;
  }

  /** Attempts that have not ended: they have the slots. */
  get running(): number {
    return this.#running;
  }

  /** Whether a hook is in flight whose next loss would be its last. */
  get hasSuspect(): boolean {
    return this.#suspects > 0 || this.#ahead.has(({ lost }) => lost >= this.suspectFrom);
  }

  /** The losses from which a hook has one chance left: it may be what kills its processes, and runs as the only such. */
  get suspectFrom(): number {
    return Math.max(1, this.#fragment.settings.maxLost - 1);
  }

  get free(): number {
    const { concurrency } = this.#fragment.settings;
    const unsettled = this.#taken.size - this.#running;
    return concurrency - this.#running - Math.max(0, unsettled - Math.max(concurrency, fewestUnsettled));
  }

  /** How many may be claimed: for the slots that are free, and a little ahead of those that will be. */
  get claimable(): number {
    if (this.#returning.size > 0) return 0;
    return this.free + this.allowedAhead - this.#ahead.size;
  }

  get allowedAhead(): number {
    return this.#ahead.allowance(this.#fragment.settings.clock.elapsed());
  }

  /** Start as many as there are slots for; the others wait. */
  start(items: readonly ClaimedItem[]): void {
    const now = this.#fragment.settings.clock.elapsed();
    this.#ahead.push(items, now);
    this.#startWaiting(now);
  }

  #startWaiting(now: number): void {
    this.#begin(this.#ahead.take(this.free), now);
    const { overdueAt } = this.#ahead;
    if (overdueAt !== null) this.#alarm.setFor(overdueAt);
  }

  #begin(items: readonly ClaimedItem[], now: number): void {
    const { namespace, report } = this.#fragment;
    for (const item of items) {
      const attempt = this.#take(item, now);
      if (attempt.deadline !== null) this.#alarm.setFor(attempt.deadline.at);
      if (report.isListening) {
        report.event({ type: "claimed", namespace, id: item.id, name: item.name, attempt: attemptOf(item) });
      }
      void this.#run(attempt);
    }
  }

  /** Give back what was claimed and is not to be started any more. */
  refuse(items: readonly ClaimedItem[]): void {
    const now = this.#fragment.settings.clock.elapsed();
    for (const item of items) this.#end(this.#take(item, now), { kind: "interrupted" });
  }

  /** Give back what waits for a slot. */
  refuseWaiting(): void {
    this.refuse(this.#ahead.take(this.#ahead.size));
  }

  /** Forget an attempt that is settled. */
  release(attempt: Attempt): void {
    const { item } = attempt;
    this.#returning.delete(attempt);
    if (!this.#taken.delete(item.lease + item.id)) return;
    if (item.lost >= this.suspectFrom) this.#suspects -= 1;
    if (this.taken === 0) this.#alarm.clear();
    else if (this.#ahead.size > 0) this.#advance();
  }

  /** Stop the attempts under leases that the database no longer has. Others may be running them by now. */
  lose(leases: readonly string[]): void {
    if (leases.length === 0) return;
    const gone = new Set(leases);
    this.#ahead.takeWhere(({ lease }) => gone.has(lease));
    for (const attempt of this.#taken.values()) {
      if (!gone.has(attempt.item.lease)) continue;
      const reason = leaseLost(attempt.item.id);
      // One that has ended by itself keeps its slot until its outcome is answered: `stop` waits for that.
      const isSettling = attempt.isEnded;
      attempt.stop(reason);
      this.#ended(attempt);
      this.#onFenced(attempt, reason, isSettling);
    }
  }

  /** Ask these to stop, and end them as cancelled when they have, or at the end of their grace. */
  cancel(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const cancelled = new Set(ids);
    this.refuse(this.#ahead.takeWhere(({ id }) => cancelled.has(id)));
    const at = this.#fragment.settings.clock.elapsed() + graceMs;
    for (const attempt of this.#taken.values()) {
      if (!cancelled.has(attempt.item.id) || attempt.isEnded || attempt.deadline?.kind === "cancel") continue;
      attempt.deadline = { at, kind: "cancel" };
      this.#alarm.setFor(at);
      attempt.stop(cancellation(attempt.item.id));
    }
  }

  /** Ask all to stop because the processor does. */
  interrupt(): void {
    for (const attempt of this.#taken.values()) attempt.stop(interruption(attempt.item.id));
  }

  /** End those that have not stopped as interrupted. */
  giveBack(): void {
    for (const attempt of this.#taken.values()) this.#end(attempt, { kind: "interrupted" });
  }

  async #run(attempt: Attempt): Promise<void> {
    this.#end(attempt, await runHandler(attempt, this.#fragment));
  }

  #take(item: ClaimedItem, now: number): Attempt {
    const attempt = new Attempt(item, this.#fragment, now);
    this.#taken.set(item.lease + item.id, attempt);
    this.#running += 1;
    if (item.lost >= this.suspectFrom) this.#suspects += 1;
    return attempt;
  }

  #end(attempt: Attempt, end: AttemptEnd): void {
    if (attempt.isEnded) return;
    this.#ended(attempt);
    if (end.kind === "completed" || end.kind === "failed") {
      const now = this.#fragment.settings.clock.elapsed();
      this.#ahead.passed(now - attempt.startedAt, now);
    }
    if (this.#ahead.size > 0) this.#advance();
    this.#onEnded(attempt, end);
  }

  /** Not at once: between two turns the answers of the database come in, and the next claim goes out. */
  #advance(): void {
    if (this.#willAdvance) return;
    this.#willAdvance = true;
    const { clock } = this.#fragment.settings;
    clock.soon(() => {
      this.#willAdvance = false;
      this.#startWaiting(clock.elapsed());
    });
  }

  #ended(attempt: Attempt): void {
    if (!attempt.isEnded) this.#running -= 1;
    attempt.end();
  }

  #endOverdue(): void {
    const now = this.#fragment.settings.clock.elapsed();
    for (const item of this.#ahead.takeOverdue(now)) {
      const attempt = this.#take(item, now);
      this.#returning.add(attempt);
      this.#end(attempt, { kind: "interrupted" });
    }
    if (this.#ahead.overdueAt !== null) this.#alarm.setFor(this.#ahead.overdueAt);
    for (const attempt of this.#taken.values()) {
      if (attempt.isEnded || attempt.deadline === null) continue;
      if (attempt.deadline.at > now) this.#alarm.setFor(attempt.deadline.at);
      else this.#stopOverdue(attempt, attempt.deadline.kind);
    }
  }

  #stopOverdue(attempt: Attempt, kind: "timeout" | "stuck" | "cancel"): void {
    const { id } = attempt.item;
    switch (kind) {
      case "cancel":
        return this.#end(attempt, { kind: "interrupted" });
      case "timeout": {
        const error = timeout(id, attempt.timeoutMs ?? 0);
        attempt.stop(error);
        return this.#end(attempt, { kind: "failed", error });
      }
      case "stuck": {
        const error = stuckAttempt(id, this.#fragment.settings.stuckAfterMs ?? 0);
        attempt.stop(error);
        return this.#end(attempt, { kind: "stuck", error });
      }
    }
  }
}
