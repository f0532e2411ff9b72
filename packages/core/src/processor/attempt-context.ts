import { SherdError } from "../errors.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import { runTransaction } from "../fragment/run-unit-of-work.ts";
import type { UnitOfWorkScope } from "../fragment/unit-of-work-scope.ts";
import type { TriggerOptions } from "../hook/trigger.ts";
import type { HookContext } from "../hook/context.ts";
import type { ClaimedItem } from "../kernel/item.ts";
import { attemptOf, endAttempt } from "../kernel/transition.ts";
import type { Attempt } from "./attempt.ts";
import { cancellation, leaseLost } from "./interruption.ts";

type Work<T> = (uow: never) => Promise<T>;

/** The `ctx` of one attempt. Everything is computed when asked for, since most handlers ask for little. */
export class AttemptContext implements HookContext<never, never> {
  readonly #attempt: Attempt;
  readonly #fragment: FragmentInternals;

  constructor(attempt: Attempt, fragment: FragmentInternals) {
    this.#attempt = attempt;
    this.#fragment = fragment;
  }

  get id(): string {
    return this.#attempt.item.id;
  }

  /** A replaced payload is another piece of work, so it has another key. */
  get idempotencyKey(): string {
    const { id, revision } = this.#attempt.item;
    return revision === 0 ? id : `${id}:${revision}`;
  }

  get attempt(): number {
    return attemptOf(this.#attempt.item);
  }

  get maxAttempts(): number {
    return this.#attempt.item.maxAttempts;
  }

  get createdAt(): Date {
    return new Date(this.#attempt.item.createdAt);
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get trace(): unknown {
    const { trace } = this.#attempt.item;
    return trace === null ? null : JSON.parse(trace);
  }

  async transaction<T>(work: Work<T>): Promise<T> {
    const { id, lease } = this.#attempt.item;
    const { storage } = this.#fragment.adapter;
    this.#requireLive();
    const committed = await runTransaction(this.#fragment, async (scope, tx) => {
      const held = await storage.hold(tx, lease, id);
      if (held !== "held") throw held === "lost" ? leaseLost(id) : cancellation(id);
      // A hung transaction must not outlive its attempt: it holds a connection, on SQLite the only one.
      const answer = await this.#attempt.untilEnded(work(this.#unit(scope) as never));
      await scope.flush();
      this.#requireLive();
      const [settled] = await storage.settle(this.#fragment.queue, [this.#completion()], tx);
      if (settled?.result === "cancelled") throw cancellation(id);
      if (settled === undefined || settled.result === "lost") throw leaseLost(id);
      return { answer, result: settled.result };
    });
    this.#attempt.committed = committed.result;
    return committed.answer;
  }

  #unit(scope: UnitOfWorkScope): object {
    const { name } = this.#attempt.item;
    const unit = scope.unitFor(this.#fragment);
    return scope.extend(unit, {
      triggerSelf: (payload: unknown, options?: TriggerOptions) =>
        scope.trigger(this.#fragment, name, payload, options),
    });
  }

  #completion() {
    const { item } = this.#attempt;
    const { settings } = this.#fragment;
    return endAttempt(
      item,
      { kind: "completed" },
      { policy: () => settings.retry, maxLost: settings.maxLost, now: 0, random: 0 },
    );
  }

  #requireLive(): void {
    const { committed, isEnded, stopReason, item } = this.#attempt;
    if (committed !== null) throw secondTransaction(this.#fragment.namespace, item);
    if (isEnded) throw stopReason ?? leaseLost(item.id);
  }
}

function secondTransaction(namespace: string, { id, name }: ClaimedItem): SherdError<"TRANSACTION_ENDED"> {
  return new SherdError(
    "TRANSACTION_ENDED",
    `Cannot run ctx.transaction of hook ${id} a second time: the first one has committed and the hook has completed. ` +
      `Do all of its writes in one transaction, or trigger a hook for the next step.`,
    { namespace, hook: name },
  );
}
