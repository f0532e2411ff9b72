import type { Migration, MigrationScope, ScopeReport } from "../adapter/migrator.ts";
import { SherdError } from "../errors.ts";

/** One row of the ledger, the table in which a database records what was applied to it. */
export interface LedgerRow {
  readonly scope: string;
  readonly tag: string;
  readonly checksum: string;
  readonly compatible: boolean;
}

export interface MigrationPlan {
  readonly pending: readonly Migration[];
  readonly report: ScopeReport;
}

/**
 * Decide what a scope still needs. Fails with `SCHEMA_NEWER` when the ledger holds an unknown migration
 * that is not compatible, with `MIGRATION_CHANGED` when an applied one reads differently now.
 */
export function planMigrations(
  { scope, migrations }: MigrationScope,
  ledger: readonly LedgerRow[],
): MigrationPlan {
  const applied = new Map(ledger.filter((row) => row.scope === scope).map((row) => [row.tag, row]));
  const known = new Set(migrations.map(({ tag }) => tag));
  const unknown = [...applied.values()].filter(({ tag }) => !known.has(tag));
  const breaking = unknown.filter(({ compatible }) => !compatible).map(({ tag }) => tag);
  if (breaking.length > 0) throw schemaNewer(scope, breaking);
  for (const migration of migrations) {
    const row = applied.get(migration.tag);
    if (row !== undefined && row.checksum !== checksum(migration))
      throw migrationChanged(scope, migration.tag);
  }
  const pending = migrations.filter(({ tag }) => !applied.has(tag));
  return {
    pending,
    report: {
      scope,
      applied: pending.map(({ tag }) => tag),
      present: migrations.filter(({ tag }) => applied.has(tag)).map(({ tag }) => tag),
      ahead: unknown.map(({ tag }) => tag).toSorted(),
    },
  };
}

/** A migration's fingerprint over both dialects: 64 bits of FNV-1a, enough to notice an edit. */
export function checksum({ postgres, sqlite }: Migration): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of JSON.stringify([postgres, sqlite])) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

function schemaNewer(scope: string, unknown: readonly string[]): SherdError {
  return new SherdError(
    "SCHEMA_NEWER",
    `Cannot use the tables of "${scope}": the database holds the incompatible migration ${unknown.join(", ")}, ` +
      `which this code does not know. Deploy the version that made it, or a newer one.`,
    { scope, unknown },
  );
}

function migrationChanged(scope: string, tag: string): SherdError {
  return new SherdError(
    "MIGRATION_CHANGED",
    `Cannot migrate "${scope}": its migration ${tag} was applied with another text than it has now. ` +
      `A released migration never changes; restore it and put the change into a new one.`,
    { scope, tag },
  );
}
