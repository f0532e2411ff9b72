export type { DatabaseAdapter, Dialect, Transaction } from "./adapter/adapter.ts";
export type { Database } from "./adapter/database.ts";
export type { Migration, MigrationScope, Migrator, ScopeReport } from "./adapter/migrator.ts";
export type { Notifier, WakeReason } from "./adapter/notifier.ts";
export type { PulledPage, PullRequest, PullStorage } from "./adapter/pull-storage.ts";
export type { StatementBoundary, StatementObserver } from "./adapter/statement-observer.ts";
export type { Claim, ClaimRequest, Extension, KeyConflict, Storage } from "./adapter/storage.ts";
export type { SuspectRule, Sweep } from "./adapter/storage.ts";
export { type Clock, systemClock } from "./clock/clock.ts";
export {
  isNonRetryable,
  isRetryAfter,
  isSherdError,
  NonRetryable,
  RetryAfter,
  SherdError,
} from "./errors.ts";
export type { PayloadIssue, SherdErrorCode, SherdErrorDetails } from "./errors.ts";
export { defineFragment } from "./fragment/define.ts";
export type { BuildScope, FragmentBuilder, FragmentDefinition } from "./fragment/define.ts";
export type { Routes, RouteScope, TableOptions } from "./fragment/define.ts";
export type { AnyFragment, Fragment, HandlerContext } from "./fragment/fragment.ts";
export { type Instantiation, instantiate } from "./fragment/instantiate.ts";
export type { FragmentOptions } from "./fragment/options.ts";
export { transactionOf } from "./fragment/unit-of-work-scope.ts";
export { isMountedAt } from "./fragment/route-handler.ts";
export { type FragmentTable, type TableBuilder, tableBuilder } from "./fragment/tables.ts";
export type { BoundServices, ServiceUnitOfWork, UnitOfWork, UsedFragment } from "./fragment/unit-of-work.ts";
export type { HookContext, HookUnitOfWork } from "./hook/context.ts";
export type { ErrorContext, HookEvent, StuckHook, StuckProcessingHooks } from "./hook/events.ts";
export { type Hook, type HookDefinition, hook } from "./hook/hook.ts";
export type { HookList, HookOperations, HookStatus, ListHooks, PruneHooks } from "./hook/operations.ts";
export type { DurableHooksOptions, HookRetention } from "./hook/options.ts";
export type { TriggerOptions } from "./hook/trigger.ts";
export type { HookView } from "./hook/view.ts";
export { type EncodedJson, encodeJson, type JsonRefusal } from "./json/json.ts";
export type { AttemptError, ClaimedItem, LostItem, NewItem, SettledItem, Settlement } from "./kernel/item.ts";
export type { ItemCounts, ItemFilter, ItemPage, ItemState, ItemStatus, ItemView } from "./kernel/item.ts";
export type { OnConflict, Outcome, SettleResult } from "./kernel/item.ts";
export type { PullDraft, PullDue, PulledColumns, PulledItem, PulledMove } from "./kernel/pulled-item.ts";
export { pulledItem } from "./kernel/pulled-item.ts";
export type { PullMove, PullPhase, PullResult } from "./kernel/pulled-item.ts";
export { type PullFence, pullMoves, type PullProgress } from "./kernel/pull-move.ts";
export { describeError, released } from "./kernel/transition.ts";
export { type MigrationReport, migrate } from "./migrate/migrate.ts";
export { readiness } from "./migrate/readiness.ts";
export { checksum, type LedgerRow, type MigrationPlan, planMigrations } from "./migrate/plan.ts";
export { invalidOption } from "./options/invalid-option.ts";
export { optionalFunction, requireInteger, requireKnown, requireText } from "./options/require-option.ts";
export { Heartbeat, type HeartbeatOptions } from "./processor/heartbeat.ts";
export { IdleWaiters, within } from "./processor/idle-waiters.ts";
export { createDurableHooksProcessor } from "./processor/processor.ts";
export type { DurableHooksProcessor, ProcessDueOptions, ProcessedHooks } from "./processor/processor.ts";
export type { StopOptions, WakeListener, WakeOptions } from "./processor/processor.ts";
export type { RecoveredHook, RecoverOptions } from "./processor/recovery.ts";
export { retryDelayMs } from "./retry/delay.ts";
export { custom, exponential, fixed, longestDelayMs, noRetry, requirePolicy } from "./retry/policy.ts";
export type { CustomRetry, ExponentialRetry, FailedAttempt, FixedRetry } from "./retry/policy.ts";
export type { NoRetry, RetryPolicy, StoredRetry } from "./retry/policy.ts";
export type { StandardSchemaV1 } from "@standard-schema/spec";
export { uuidv7 as newId } from "uuidv7";
