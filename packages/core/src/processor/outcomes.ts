import type { FragmentInternals } from "../fragment/internals.ts";
import type { HookEvent } from "../hook/events.ts";
import type { ClaimedItem, SettleResult } from "../kernel/item.ts";
import { type AttemptEnd, attemptOf, endAttempt } from "../kernel/transition.ts";
import type { RetryPolicy } from "../retry/policy.ts";
import { parseRetry } from "../retry/stored-retry.ts";
import type { Attempt } from "./attempt.ts";
import type { LeaseBook } from "./lease-book.ts";
import { settledEvent } from "./settled-event.ts";
import { type Ended, Settler } from "./settler.ts";
import { Tally } from "./tally.ts";

/** What the ends of some attempts mean for what to do next. */
export interface Aftermath {
  readonly attempts: readonly Attempt[];
  /** The soonest retry among them; null when there is none. */
  readonly dueInMs: number | null;
  /** True when hooks wait again that someone else could run now. */
  readonly gaveBack: boolean;
}

/** Turns the ends of attempts into outcomes, has them settled, and tells what became of them. */
export class Outcomes {
  readonly tally = new Tally();
  readonly #fragment: FragmentInternals;
  readonly #leases: LeaseBook;
  readonly #owner: string;
  readonly #onDone: (aftermath: Aftermath) => void;
  readonly #settler: Settler;
  /** Attempts of which it was told that their lease is gone, although their outcomes may still be on their way. */
  readonly #fenced = new WeakSet<Attempt>();

  constructor(
    fragment: FragmentInternals,
    leases: LeaseBook,
    owner: string,
    onDone: (aftermath: Aftermath) => void,
  ) {
    this.#fragment = fragment;
    this.#leases = leases;
    this.#owner = owner;
    this.#onDone = onDone;
    const { adapter, queue, settings, report } = fragment;
    this.#settler = new Settler({
      storage: adapter.storage,
      queue,
      clock: settings.clock,
      random: settings.random,
      onSettled: (ended, results) => this.#settled(ended, results),
      onRefused: ({ attempt }) => this.#leftToExpire(attempt),
      onError: (error) => report.error(error, "settle"),
    });
  }

  end(attempt: Attempt, end: AttemptEnd): void {
    if (attempt.committed !== null) return this.#committed(attempt, end);
    const { settings } = this.#fragment;
    const settlement = endAttempt(attempt.item, end, {
      policy: () => this.#policyOf(attempt.item),
      maxLost: settings.maxLost,
      now: settings.clock.now(),
      random: settings.random(),
    });
    const error = end.kind === "failed" || end.kind === "stuck" ? end.error : null;
    this.#settler.push({ attempt, settlement, error });
  }

  /** The attempt's lease is gone. Unless its outcome is on its way, which will be refused, there is nothing to settle. */
  fenced(attempt: Attempt, error: unknown, isSettling: boolean): void {
    this.#fenced.add(attempt);
    this.#tell({ type: "fenced", ...this.#about(attempt), error });
    if (!isSettling) this.#onDone({ attempts: [attempt], dueInMs: null, gaveBack: false });
  }

  abandon(): void {
    this.#settler.abandon();
  }

  /** `ctx.transaction` has settled it already, together with what the handler wrote. */
  #committed(attempt: Attempt, end: AttemptEnd): void {
    if (end.kind === "failed") this.#fragment.report.error(end.error, "completed-hook");
    const durationMs = this.#fragment.settings.clock.elapsed() - attempt.startedAt;
    this.#leases.settled(attempt.item.lease);
    this.#tell({ type: "completed", ...this.#about(attempt), durationMs });
    // Replaced while it ran, it waits again with its new payload.
    this.#onDone({
      attempts: [attempt],
      dueInMs: attempt.committed === "replaced" ? 0 : null,
      gaveBack: false,
    });
  }

  #settled(ended: readonly Ended[], results: readonly SettleResult[]): void {
    let dueInMs: number | null = null;
    let gaveBack = false;
    const isListening = this.#fragment.report.isListening;
    for (const [index, one] of ended.entries()) {
      const { attempt, settlement } = one;
      const result = results[index] ?? "lost";
      this.#leases.settled(attempt.item.lease);
      // Of the many that complete while nobody listens, nothing is to be told.
      if (result === "settled" && settlement.outcome === "completed" && !isListening) {
        this.tally.add("completed");
        continue;
      }
      const type = this.#tellSettled(one, result);
      if (type === "given-back") gaveBack = true;
      if (result === "settled" && settlement.delayMs !== null)
        dueInMs = Math.min(dueInMs ?? Infinity, settlement.delayMs);
      if (result === "replaced" || (result === "settled" && settlement.state === "ready")) dueInMs = 0;
    }
    this.#onDone({ attempts: ended.map(({ attempt }) => attempt), dueInMs, gaveBack });
  }

  #tellSettled({ attempt, settlement, error }: Ended, result: SettleResult): HookEvent["type"] {
    const event = settledEvent(this.#fragment, attempt, settlement, error, result, this.#owner);
    if (event.type !== "fenced" || !this.#fenced.has(attempt)) this.#tell(event);
    if (event.type === "lost") this.#fragment.report.stuck([event]);
    return event.type;
  }

  /** The database refused the outcome for good. */
  #leftToExpire(attempt: Attempt): void {
    this.#leases.unsettled(attempt.item.lease);
    this.#onDone({ attempts: [attempt], dueInMs: null, gaveBack: false });
  }

  #tell(event: HookEvent): void {
    this.tally.add(event.type);
    this.#fragment.report.event(event);
  }

  #about({ item }: Attempt) {
    return { namespace: this.#fragment.namespace, id: item.id, name: item.name, attempt: attemptOf(item) };
  }

  /** What was stored with the item; of a custom policy only its attempts are, and the code has the rest. */
  #policyOf({ name, retry, maxAttempts }: ClaimedItem): RetryPolicy {
    const stored = parseRetry(retry, maxAttempts);
    return stored ?? this.#fragment.hooks.get(name)?.retry ?? this.#fragment.settings.retry;
  }
}
