/** Values as text, the one form in which every driver carries them. */
import type { Row } from "./sessions/session.ts";

/** For `$1::text::uuid[]` and `$1::text::integer[]`. */
export function plainArray(values: readonly (string | number)[]): string {
  return `{${values.join(",")}}`;
}

/** For `$1::text::text[]`. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : quoted(value))).join(",")}}`;
}

function quoted(value: string): string {
  return `"${value.includes('"') || value.includes("\\") ? value.replaceAll(/["\\]/g, "\\$&") : value}"`;
}

/** The elements of a `uuid[]` or `integer[]` that was selected `::text`. */
export function parseArray(value: unknown): readonly string[] {
  const inner = String(value ?? "{}").slice(1, -1);
  return inner === "" ? [] : inner.split(",");
}

/** The only row of a statement that always has one. */
export function onlyRow(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("PostgreSQL answered no row to a statement that always has one");
  return row;
}

export function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}
