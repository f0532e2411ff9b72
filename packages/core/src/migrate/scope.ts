import type { MigrationScope } from "../adapter/migrator.ts";
import type { FragmentDefinition } from "../fragment/define.ts";

const placeholder = "{{namespace}}";

/** A definition's migrations under one namespace; null when its author shipped none for its tables. */
export function scopeOf(
  { migrations }: Pick<FragmentDefinition<never, never, never, never>, "migrations">,
  namespace: string,
): MigrationScope | null {
  if (migrations === null) return null;
  const named = (statements: readonly string[]) =>
    statements.map((text) => text.replaceAll(placeholder, namespace));
  return {
    scope: namespace,
    migrations: migrations.map(({ tag, compatible, postgres, sqlite }) => ({
      tag,
      compatible,
      postgres: named(postgres),
      sqlite: named(sqlite),
    })),
  };
}
