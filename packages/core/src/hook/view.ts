import type { AttemptError, ItemStatus, ItemView } from "../kernel/item.ts";
import { hookStatus } from "./status.ts";

/** A triggered hook as operators see it. */
export interface HookView {
  readonly id: string;
  readonly name: string;
  readonly status: ItemStatus;
  readonly payload: unknown;
  readonly key: string | null;
  readonly concurrencyKey: string | null;
  readonly priority: number;
  /** When its next attempt is due; null when it is due now, runs, or has finished. */
  readonly dueAt: Date | null;
  /** Attempts that have ended, over all retries by hand. */
  readonly attempts: number;
  /** Of the present series, how many failed, and how many were lost. */
  readonly failures: number;
  readonly lost: number;
  readonly maxAttempts: number;
  /** The last ten attempts that did not complete, oldest first. */
  readonly errors: readonly AttemptError[];
  readonly lastError: AttemptError | null;
  /** The process that holds it; null when none does. */
  readonly owner: string | null;
  readonly isCancelRequested: boolean;
  readonly trace: unknown;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export function hookView(item: ItemView): HookView {
  return {
    id: item.id,
    name: item.name,
    status: hookStatus(item),
    payload: JSON.parse(item.body),
    key: item.key,
    concurrencyKey: item.concurrencyKey,
    priority: item.priority,
    dueAt: item.dueAt === null ? null : new Date(item.dueAt),
    attempts: item.attempts,
    failures: item.failures,
    lost: item.lost,
    maxAttempts: item.maxAttempts,
    errors: item.errors,
    lastError: item.errors.at(-1) ?? null,
    owner: item.owner,
    isCancelRequested: item.cancelRequested,
    trace: item.trace === null ? null : JSON.parse(item.trace),
    createdAt: new Date(item.createdAt),
    finishedAt: item.finishedAt === null ? null : new Date(item.finishedAt),
  };
}
