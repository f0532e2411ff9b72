import type { TriggerOptions } from "./trigger.ts";

/** What a handler knows about the attempt that it runs in. */
export interface HookContext<Uow, Input> {
  /** The item's id, as `triggerHook` returned it. */
  readonly id: string;
  /** One per hook and payload, the same on every attempt: give it to whomever you call. */
  readonly idempotencyKey: string;
  /** 1 on the first attempt; failed and lost attempts both count. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: Date;
  /** Aborted on timeout, lost lease, cancellation and shutdown; `reason` is a `SherdError` that says which. */
  readonly signal: AbortSignal;
  /** What `triggerHook` was given as `trace`; null when nothing. */
  readonly trace: unknown;
  /**
   * Run `work` in one transaction that commits together with this hook's completion, so what it writes and
   * triggers takes effect exactly once. Rejects with `LEASE_LOST` or `CANCELLED`, and rolls back, when the
   * attempt is not the hook's live one any more. What is done after it is not retried: the hook has completed.
   */
  transaction<T>(work: (uow: HookUnitOfWork<Uow, Input>) => Promise<T>): Promise<T>;
}

/** The unit of work of `ctx.transaction`, which can also trigger the running hook anew. */
export type HookUnitOfWork<Uow, Input> = Uow & {
  /** Trigger this same hook again, with another payload: the next page, the next step. */
  triggerSelf(payload: Input, options?: TriggerOptions): string;
};
