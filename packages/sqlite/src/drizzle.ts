import type { Database } from "@sherd/core";
import { type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import type { Row, Session, SqlValue } from "./connection.ts";

/** Drizzle on a session. The SQLite builders that run are typed as the Postgres ones, of which core promises a subset. */
export function drizzleOn(session: Session): Database {
  const database = drizzle(async (text, params, method) => {
    const rows = await session.query(text, params.map(toSqlValue));
    // A single row is handed over bare, and none as undefined, which the callback's type does not foresee.
    return { rows: (method === "get" ? rows[0] : rows) as unknown[] };
  });
  ours.add(database);
  return database as unknown as Database;
}

/** Databases that stand for a transaction of an adapter's. */
const ours = new WeakSet<object>();

interface DrizzleTransaction {
  run(query: SQL): unknown;
  values(query: SQL): unknown;
}

/** A database is none: what runs on it commits at once. */
export function isDrizzleTransaction(value: object): value is DrizzleTransaction {
  return (
    ("rollback" in value || ours.has(value)) &&
    "run" in value &&
    typeof value.run === "function" &&
    "values" in value &&
    typeof value.values === "function"
  );
}

/** The session of a drizzle transaction, or of a database in one, that the caller opened over any driver. */
export function sessionOf(transaction: DrizzleTransaction): Session {
  return {
    local: false,
    paysByRow: false,
    async query(text, params) {
      const query = toDrizzle(text, params);
      if (!answersRows.test(text)) {
        await transaction.run(query);
        return [];
      }
      const rows = (await transaction.values(query)) as readonly ArrayLike<SqlValue>[];
      return rows.map((row): Row => Array.from(row));
    },
  };
}

const answersRows = /^\s*(?:SELECT|WITH|PRAGMA)\b|\bRETURNING\b/;

/** Our statements have a `?` for each parameter and nowhere else. */
function toDrizzle(text: string, params: readonly SqlValue[]): SQL {
  const chunks: SQL[] = [];
  for (const [index, part] of text.split("?").entries()) {
    chunks.push(sql.raw(part));
    if (index < params.length) chunks.push(sql`${params[index]}`);
  }
  return sql.join(chunks);
}

/** What drizzle's column types leave as it is, but node:sqlite refuses to bind. */
function toSqlValue(value: unknown): SqlValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return value === undefined ? null : (value as SqlValue);
}
