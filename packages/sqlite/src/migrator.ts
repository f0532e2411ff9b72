import {
  checksum,
  type LedgerRow,
  type MigrationScope,
  type Migrator,
  planMigrations,
  type ScopeReport,
} from "@sherd/core";
import type { SqliteClock } from "./clock.ts";
import { notMigrated } from "./errors.ts";
import type { Executor } from "./executor.ts";
import { migrations } from "./migrations/index.ts";
import type { Script } from "./script.ts";

export function sqliteMigrator(run: Executor, { now }: SqliteClock): Migrator {
  return {
    kernel: { scope: "kernel", migrations },
    apply: (scopes) => run.migrate("migrate", () => apply(scopes, now())),
    verify: (scopes) => run.read("verify", () => verify(scopes)),
  };
}

const createLedgerSql = `
CREATE TABLE IF NOT EXISTS sherd_migration (
  scope TEXT NOT NULL,
  tag TEXT NOT NULL,
  checksum TEXT NOT NULL,
  compatible INTEGER NOT NULL,
  applied_at INTEGER NOT NULL,
  PRIMARY KEY (scope, tag)
)`;

/**
 * Apply what is missing. Locks: the write lock, taken by BEGIN IMMEDIATE before the ledger is read, so of several
 * migrators one applies and the others find it done. SQLite's DDL rolls back with the rest.
 */
function* apply(scopes: readonly MigrationScope[], now: number): Script<readonly ScopeReport[]> {
  yield { name: "create-ledger", sql: createLedgerSql };
  const ledger = yield* readLedger();
  const plans = scopes.map((scope) => ({ scope, ...planMigrations(scope, ledger) }));
  const isDone = plans.every(({ pending }) => pending.length === 0);
  const before = isDone ? new Map<string, number>() : yield* countOrphans();
  for (const { scope, pending } of plans) {
    for (const migration of pending) {
      for (const statement of migration.sqlite) yield { name: migration.tag, sql: statement };
      yield {
        name: "record",
        sql: "INSERT INTO sherd_migration (scope, tag, checksum, compatible, applied_at) VALUES (?, ?, ?, ?, ?)",
        params: [scope.scope, migration.tag, checksum(migration), migration.compatible ? 1 : 0, now],
      };
    }
  }
  if (!isDone) failIfMore(yield* countOrphans(), before);
  return plans.map(({ report }) => report);
}

/** The rows that refer to none, by the table that has them and the one that should: others may have left some before. */
function* countOrphans(): Script<ReadonlyMap<string, number>> {
  const rows = yield { name: "check-foreign-keys", sql: "PRAGMA foreign_key_check" };
  const counts = new Map<string, number>();
  for (const [table, , parent] of rows) {
    const reference = `${String(table)} → ${String(parent)}`;
    counts.set(reference, (counts.get(reference) ?? 0) + 1);
  }
  return counts;
}

/** Foreign keys are not enforced while tables are rebuilt, so what breaks one is found here. */
function failIfMore(after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): void {
  const broken = [...after].filter(([reference, count]) => count > (before.get(reference) ?? 0));
  if (broken.length === 0) return;
  const references = broken.map(([reference, count]) => `${reference} (${count} rows)`).join(", ");
  throw new Error(
    `Cannot migrate: after it, rows would refer to rows that are not there: ${references}. Nothing was applied. Have the ` +
      "migration move or delete those rows, too.",
  );
}

/** Locks: none. A ledger that somebody else creates between the two statements is read by the next call. */
function* verify(scopes: readonly MigrationScope[]): Script<void> {
  const found = yield {
    name: "find-tables",
    sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('sherd_item', 'sherd_migration')",
  };
  const names = new Set(found.map(([name]) => name));
  const ledger = names.has("sherd_migration") ? yield* readLedger() : [];
  if (ledger.length === 0 && names.has("sherd_item")) return;
  for (const scope of scopes) {
    const missing = planMigrations(scope, ledger).pending.map(({ tag }) => tag);
    if (missing.length > 0)
      throw notMigrated(scope.scope, missing, `migration ${missing.join(", ")} was not applied`);
  }
}

function* readLedger(): Script<readonly LedgerRow[]> {
  const rows = (yield {
    name: "read-ledger",
    sql: "SELECT scope, tag, checksum, compatible FROM sherd_migration",
  }) as readonly (readonly [scope: string, tag: string, checksum: string, compatible: number])[];
  return rows.map(([scope, tag, sum, compatible]) => ({
    scope,
    tag,
    checksum: sum,
    compatible: compatible === 1,
  }));
}
