export type { DatabaseAdapter, Dialect, Transaction } from "./adapter/adapter.ts";
export type { Database } from "./adapter/database.ts";
export type { Migration, MigrationScope, Migrator, ScopeReport } from "./adapter/migrator.ts";
export type { Notifier, WakeReason } from "./adapter/notifier.ts";
export type { StatementBoundary, StatementObserver } from "./adapter/statement-observer.ts";
export type { Claim, ClaimRequest, Extension, KeyConflict, Storage, Sweep } from "./adapter/storage.ts";
export { isSherdError, NonRetryable, RetryAfter, SherdError } from "./errors.ts";
export type { PayloadIssue, SherdErrorCode, SherdErrorDetails } from "./errors.ts";
export type {
  AttemptError,
  ClaimedItem,
  ItemCounts,
  ItemFilter,
  ItemPage,
  ItemState,
  ItemStatus,
  ItemView,
  LostItem,
  NewItem,
  OnConflict,
  Outcome,
  SettledItem,
  Settlement,
} from "./kernel/item.ts";
export { planMigrations, checksum } from "./migrate/plan.ts";
export type { LedgerRow, MigrationPlan } from "./migrate/plan.ts";
export { tableBuilder } from "./fragment/tables.ts";
export type { FragmentTable, TableBuilder } from "./fragment/tables.ts";
export { defineFragment } from "./fragment/define.ts";
export type {
  BuildScope,
  FragmentBuilder,
  FragmentDefinition,
  RouteScope,
  Routes,
  TableOptions,
} from "./fragment/define.ts";
export { hook } from "./hook/hook.ts";
export type { Hook, HookDefinition } from "./hook/hook.ts";
export type { HookContext, HookUnitOfWork } from "./hook/context.ts";
export type { UnitOfWork, BoundServices } from "./fragment/unit-of-work.ts";
export { custom, exponential, fixed, noRetry } from "./retry/policy.ts";
export { instantiate } from "./fragment/instantiate.ts";
export { migrate } from "./migrate/migrate.ts";
