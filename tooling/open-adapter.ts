import type { DatabaseAdapter } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";

/** What a process opens that is told where its database is. */
export function openAdapter(location: string): DatabaseAdapter {
  return location.startsWith("postgres") ? postgresAdapter(location) : sqliteAdapter(location);
}
