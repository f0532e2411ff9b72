/**
 * SQLite cannot alter a column or a foreign key, so drizzle rebuilds the table: with foreign keys off it fills a
 * new table, drops the old one and renames. A migration runs in a transaction, where `PRAGMA foreign_keys` does
 * nothing. With foreign keys on, drizzle's order fails at commit, because a rename settles no deferred violation,
 * and `DROP TABLE` deletes row by row, so `ON DELETE` actions fire and take the referring rows with them.
 * What holds inside a transaction, and this module writes:
 *
 * - `PRAGMA defer_foreign_keys=ON`, which works there and lasts until the commit: `DROP TABLE` and `RESTRICT` wait;
 * - the rows wait in a plain copy (no foreign keys of its own) and are inserted into the new table under its final
 *   name: an inserted parent row is what settles a deferred violation;
 * - columns that refer to the table with an `ON DELETE` action step aside meanwhile, to values that match no row.
 */
import { isDeepStrictEqual } from "node:util";
import { CliError } from "../cli-error.ts";
import { localName } from "./namespace-token.ts";
import type { Snapshot } from "./snapshot.ts";

interface Reference {
  readonly table: string;
  readonly column: string;
}

const keepsRows = new Set(["no action", "restrict"]);

/** Rewrite drizzle's rebuilds so that they hold inside a transaction. Fails with `CHANGE_UNSAFE`. */
export function rebuildWithinTransaction(
  statements: readonly string[],
  previous: Snapshot,
  current: Snapshot,
): readonly string[] {
  const result: string[] = [];
  const withoutPragmas = statements.filter((sql) => !/^PRAGMA foreign_keys\b/.test(sql));
  for (let at = 0; at < withoutPragmas.length; at += 1) {
    const sql = withoutPragmas[at] ?? "";
    const table = /^CREATE TABLE `__new_(\w+)`/.exec(sql)?.[1];
    if (table === undefined) {
      result.push(sql);
      continue;
    }
    const columns = copiedColumns(table, withoutPragmas, previous, current);
    result.push(...rebuild(table, sql, columns, cascadingReferences(table, previous, current)));
    at += 3; // its INSERT, DROP and RENAME
  }
  return result;
}

function rebuild(
  table: string,
  create: string,
  columns: readonly string[],
  references: readonly Reference[],
): readonly string[] {
  const kept = `__kept_${table}`;
  const names = columns.map((column) => `\`${column}\``).join(", ");
  return [
    "PRAGMA defer_foreign_keys=ON;",
    `CREATE TABLE \`${kept}\` AS SELECT * FROM \`${table}\`;`,
    ...references.map((it) => `UPDATE \`${it.table}\` SET \`${it.column}\` = '~' || \`${it.column}\`;`),
    `DROP TABLE \`${table}\`;`,
    create.replaceAll(`__new_${table}`, table),
    `INSERT INTO \`${table}\` (${names}) SELECT ${names} FROM \`${kept}\`;`,
    `DROP TABLE \`${kept}\`;`,
    ...references.map((it) => `UPDATE \`${it.table}\` SET \`${it.column}\` = substr(\`${it.column}\`, 2);`),
  ];
}

/**
 * The columns that the table has before and after. Drizzle also names those that only the new table has, in double
 * quotes, which SQLite then reads as strings: it would fill a new column with its own name. And it leaves out the
 * rename of a column when it rebuilds, so a column that went while another came may be one whose values matter.
 */
function copiedColumns(
  table: string,
  statements: readonly string[],
  previous: Snapshot,
  current: Snapshot,
): readonly string[] {
  const before = Object.keys(previous.tables[nameBefore(table, statements)]?.columns ?? {});
  const after = Object.keys(current.tables[table]?.columns ?? {});
  const copied = after.filter((column) => before.includes(column));
  if (copied.length === before.length || copied.length === after.length) return copied;
  throw new CliError(
    "CHANGE_UNSAFE",
    `Cannot change "${localName(table)}" in SQLite: its table has to be rebuilt, while columns come and others go or ` +
      `are renamed. Make two migrations of it: rename, add and drop columns first, then the other changes.`,
  );
}

function nameBefore(table: string, statements: readonly string[]): string {
  const renames = statements.map((sql) => /^ALTER TABLE `(\w+)` RENAME TO `(\w+)`/.exec(sql));
  return renames.find((it) => it?.[2] === table && it[1] !== `__new_${table}`)?.[1] ?? table;
}

/** Who loses rows when the table's are deleted. Whether one that comes or goes counts depends on drizzle's order. */
function cascadingReferences(table: string, previous: Snapshot, current: Snapshot): readonly Reference[] {
  const before = referencesTo(table, previous);
  const now = referencesTo(table, current).filter(
    (it) => it.column in (previous.tables[it.table]?.columns ?? {}),
  );
  const changed = [...without(before, now), ...without(now, before)][0];
  if (changed === undefined) return before;
  throw new CliError(
    "CHANGE_UNSAFE",
    `Cannot change "${localName(table)}" in SQLite: its table has to be rebuilt, and the reference from ` +
      `"${localName(changed.table)}.${changed.column}" with an ON DELETE action changes at the same time. ` +
      `Make two migrations of it: change "${localName(table)}" first, then the reference.`,
  );
}

function without(references: readonly Reference[], others: readonly Reference[]): readonly Reference[] {
  return references.filter((it) => !others.some((other) => isDeepStrictEqual(it, other)));
}

/** Who refers to the table with an `ON DELETE` action, other than the table itself. */
function referencesTo(table: string, snapshot: Snapshot): readonly Reference[] {
  return Object.values(snapshot.tables).flatMap(({ name, foreignKeys }) =>
    Object.values(foreignKeys)
      .filter((it) => name !== table && it.tableTo === table && !keepsRows.has(it.onDelete ?? "no action"))
      .flatMap((it) => it.columnsFrom.map((column) => ({ table: name, column }))),
  );
}
