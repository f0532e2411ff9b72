import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/**
 * Drizzle as every dialect offers it. It is typed with the Postgres builders, and on SQLite the same
 * calls run on the SQLite builders; raw SQL is left out because no text of it fits both.
 */
export type Database = Pick<
  PgDatabase<PgQueryResultHKT, Record<string, never>>,
  "select" | "selectDistinct" | "insert" | "update" | "delete" | "$count" | "$with" | "with"
>;
