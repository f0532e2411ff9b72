import type { Statements } from "../drizzle/diff.ts";
import { quotedSql } from "../drizzle/namespace-token.ts";

/**
 * True when code that does not know this migration keeps working after it: each statement only adds a table, an
 * index, a column that an older INSERT may leave out, or a constraint that no older row or INSERT can violate.
 */
export function isCompatible(statements: Statements): boolean {
  return Object.values(statements).every((ofDialect) => {
    const added = new Set<string>();
    return ofDialect.every((sql) => isAdditive(sql, added));
  });
}

const name = '["`]([^"`]+)["`]';
const createTable = new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?${name}`);
const createIndex = /^CREATE INDEX /;
const createUniqueIndex = new RegExp(`^CREATE UNIQUE INDEX .*? ON ${name}`);
const addConstraint = new RegExp(`^ALTER TABLE ${name} ADD CONSTRAINT ${name} (FOREIGN KEY \\(${name}\\))?`);
const addColumn = new RegExp(`^ALTER TABLE ${name} ADD (?:COLUMN )?${name}(.*)$`, "s");

/** `added` collects the tables, and the columns as `table.column`, that this migration makes. */
function isAdditive(sql: string, added: Set<string>): boolean {
  const created = createTable.exec(sql);
  if (created !== null) return Boolean(added.add(created[1] ?? ""));
  if (createIndex.test(sql)) return true;
  const unique = createUniqueIndex.exec(sql);
  if (unique !== null) return added.has(unique[1] ?? "");
  const constraint = addConstraint.exec(sql);
  if (constraint !== null) {
    const [, table = "", , foreignKey, column] = constraint;
    return added.has(table) || (foreignKey !== undefined && added.has(`${table}.${column}`));
  }
  const column = addColumn.exec(sql);
  if (column === null) return false;
  added.add(`${column[1]}.${column[2]}`);
  return mayBeLeftOut(column[3] ?? "");
}

function mayBeLeftOut(columnDefinition: string): boolean {
  const keywords = columnDefinition.replace(new RegExp(quotedSql, "g"), "''");
  if (/\b(?:UNIQUE|PRIMARY KEY)\b/i.test(keywords)) return false;
  return !/\bNOT NULL\b/i.test(keywords) || /\bDEFAULT\b/i.test(keywords);
}
