import type { DatabaseAdapter } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import type { Settings } from "./settings.ts";

/** PostgreSQL when `DATABASE_URL` is set, SQLite otherwise. Nothing else in this example knows which. */
export function openDatabase({ DATABASE_URL, SQLITE_FILE }: Settings): DatabaseAdapter {
  return DATABASE_URL ? postgresAdapter(DATABASE_URL) : sqliteAdapter(SQLITE_FILE);
}
