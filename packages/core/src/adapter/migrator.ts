/** One numbered migration, both dialects inlined, made by `sherd generate` and immutable once released. */
export interface Migration {
  /** Sorts after its predecessor: `0001_init`. */
  readonly tag: string;
  /** True when code that was written before this migration keeps working after it. */
  readonly compatible: boolean;
  readonly postgres: readonly string[];
  readonly sqlite: readonly string[];
}

/** The migrations of one owner of tables: the kernel, or one namespace. */
export interface MigrationScope {
  readonly scope: string;
  readonly migrations: readonly Migration[];
}

export interface ScopeReport {
  readonly scope: string;
  /** Tags that this call applied, in order. */
  readonly applied: readonly string[];
  /** Tags that were there before. */
  readonly present: readonly string[];
  /** Tags in the database that this code does not know: newer code ran, and they are compatible. */
  readonly ahead: readonly string[];
}

export interface Migrator {
  /** The kernel's own migrations, which go before those of any fragment. */
  readonly kernel: MigrationScope;

  /**
   * Apply what is missing of each scope, in order, in one transaction under a lock that holds off
   * other migrators. Fails with `SCHEMA_NEWER` when the database holds an unknown migration that is
   * not compatible, and with `MIGRATION_CHANGED` when one that was applied reads differently now.
   */
  apply(scopes: readonly MigrationScope[]): Promise<readonly ScopeReport[]>;

  /**
   * Check without writing that every scope is there. Fails with `NOT_MIGRATED` or `SCHEMA_NEWER`.
   * Tables that a schema of the user's own made, so that no migration is on record, count as there.
   */
  verify(scopes: readonly MigrationScope[]): Promise<void>;
}
