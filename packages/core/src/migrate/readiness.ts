import type { DatabaseAdapter } from "../adapter/adapter.ts";
import type { MigrationScope } from "../adapter/migrator.ts";

/** What checks until it has succeeded once that these tables are migrated; callers in the meantime share one check. */
export function readiness(
  { migrator }: Pick<DatabaseAdapter, "migrator">,
  scopes: readonly MigrationScope[],
): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= migrator.verify(scopes).catch((error: unknown) => {
      running = null;
      throw error;
    });
    return running;
  };
}
