import type { DatabaseAdapter } from "../adapter/adapter.ts";
import type { MigrationScope, ScopeReport } from "../adapter/migrator.ts";
import { SherdError } from "../errors.ts";
import type { AnyFragment } from "../fragment/fragment.ts";
import { internalsOf } from "../fragment/internals.ts";

/** What `migrate` did: a report for the kernel and for each fragment, in that order. */
export interface MigrationReport {
  readonly scopes: readonly ScopeReport[];
}

/**
 * Bring the tables of the kernel and of these fragments up to date, in one transaction for each adapter; of an adapter that is
 * named itself, those of the kernel. Safe
 * from several processes at once, and from older code: what newer code added stays, if it is compatible. Fails
 * with `MIGRATIONS_MISSING`, `SCHEMA_NEWER` or `MIGRATION_CHANGED`, and then nothing has changed.
 */
export async function migrate(
  ...owners: readonly (AnyFragment | DatabaseAdapter)[]
): Promise<MigrationReport> {
  const scopesByAdapter = new Map<DatabaseAdapter, MigrationScope[]>();
  const scopesOf = (adapter: DatabaseAdapter) => scopesByAdapter.get(adapter) ?? [adapter.migrator.kernel];
  for (const owner of owners) {
    if ("migrator" in owner) {
      scopesByAdapter.set(owner, scopesOf(owner));
      continue;
    }
    const { adapter, namespace, scope } = internalsOf(owner);
    if (scope === null) throw migrationsMissing(namespace);
    scopesByAdapter.set(adapter, [...scopesOf(adapter), scope]);
  }
  const reports: ScopeReport[] = [];
  for (const [adapter, scopes] of scopesByAdapter) reports.push(...(await adapter.migrator.apply(scopes)));
  return { scopes: reports };
}

function migrationsMissing(namespace: string): SherdError {
  return new SherdError(
    "MIGRATIONS_MISSING",
    `Cannot migrate fragment "${namespace}": it has tables but no migrations. Make them with ` +
      `\`npx @sherd/cli generate <its module>\` and pass them to withTables, or put fragment.schema into a ` +
      `drizzle-kit schema of your own and migrate there.`,
    { namespace },
  );
}
