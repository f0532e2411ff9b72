import { SherdError } from "../errors.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import { UnitOfWorkScope } from "../fragment/unit-of-work-scope.ts";
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
    const attempt = this.#attempt;
    const { adapter, queue } = this.#fragment;
    this.#requireLive();
    let queues: readonly string[] = [];
    const result = await adapter.transaction(async (tx) => {
      const held = await adapter.storage.hold(tx, attempt.item.lease, attempt.item.id);
      if (held !== "held") throw held === "lost" ? leaseLost(attempt.item.id) : cancellation(attempt.item.id);
      const scope = new UnitOfWorkScope(tx, adapter);
      try {
        const answer = await work(this.#unit(scope) as never);
        queues = await scope.flush();
        this.#requireLive();
        const [settled] = await adapter.storage.settle(queue, [this.#completion()], tx);
        if (settled?.result === "cancelled") throw cancellation(attempt.item.id);
        if (settled === undefined || settled.result === "lost") throw leaseLost(attempt.item.id);
        return answer;
      } finally {
        scope.end();
      }
    });
    attempt.hasCommitted = true;
    for (const each of queues) adapter.notifier.publish(each, "work");
    return result;
  }

  #unit(scope: UnitOfWorkScope): object {
    const { name } = this.#attempt.item;
    const unit = scope.unitFor(this.#fragment);
    return { ...unit, triggerSelf: (payload: unknown) => scope.trigger(this.#fragment, name, payload) };
  }

  #completion() {
    const { item } = this.#attempt;
    const { settings } = this.#fragment;
    return endAttempt(
      item,
      { kind: "completed" },
      { policy: settings.retry, maxLost: settings.maxLost, now: 0, random: 0 },
    );
  }

  #requireLive(): void {
    const { hasCommitted, isEnded, stopReason, item } = this.#attempt;
    if (hasCommitted) throw secondTransaction(this.#fragment.namespace, item);
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
