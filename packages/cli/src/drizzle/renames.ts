import { isDeepStrictEqual } from "node:util";
import { CliError } from "../cli-error.ts";
import type { Statements } from "./diff.ts";
import { localName } from "./namespace-token.ts";
import type { Snapshots, TableSnapshot } from "./snapshot.ts";

const renameTable = /^ALTER TABLE ["`](\w+)["`] RENAME TO ["`](\w+)["`]/;
const renameColumn = /^ALTER TABLE ["`](\w+)["`] RENAME COLUMN ["`](\w+)["`] TO ["`](\w+)["`]/;

/**
 * Refuse renames that drizzle gets wrong: it forgets what else changes about a renamed column. Also those that were
 * answered differently for the two dialects. Fails with `CHANGE_UNSAFE`.
 */
export function requireSoundRenames(statements: Statements, previous: Snapshots, current: Snapshots): void {
  if (!isDeepStrictEqual(renames(statements.postgres), renames(statements.sqlite))) {
    throw new CliError(
      "CHANGE_UNSAFE",
      "Cannot rename in one database and not in the other: give the same answers for PostgreSQL and for SQLite.",
    );
  }
  for (const dialect of ["postgres", "sqlite"] as const) {
    for (const sql of statements[dialect]) {
      const [, table = "", from = "", to = ""] = renameColumn.exec(sql) ?? [];
      if (table === "") continue;
      const before = findTable(previous[dialect].tables, table)?.columns[from];
      const after = findTable(current[dialect].tables, table)?.columns[to];
      if (before !== undefined && isDeepStrictEqual({ ...before, name: to }, after)) continue;
      throw new CliError(
        "CHANGE_UNSAFE",
        `Cannot rename "${localName(table)}.${from}" and change it, or its table's name, at the same time. ` +
          `Make two migrations of it: the rename first, then the change.`,
      );
    }
  }
}

function renames(statements: readonly string[]): readonly string[] {
  return statements
    .map((sql) => renameTable.exec(sql) ?? renameColumn.exec(sql))
    .filter((match) => match !== null)
    .map((match) => match.slice(1).join(" "))
    .sort();
}

function findTable(tables: Readonly<Record<string, TableSnapshot>>, name: string): TableSnapshot | undefined {
  return Object.values(tables).find((table) => table.name === name);
}
