import type { DatabaseAdapter, DurableHooksOptions } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";

/** What a worker process is started with, as JSON. */
export interface WorkerOptions {
  readonly location: string;
  readonly namespaces: readonly string[];
  /** Default: newer. */
  readonly release?: "older" | "newer";
  readonly durableHooks?: Pick<DurableHooksOptions, "concurrency" | "leaseMs">;
  readonly stopDeadlineMs?: number;
  /** Default: 200. */
  readonly pollIntervalMs?: number;
}

export function openAdapter(location: string): DatabaseAdapter {
  return location.startsWith("postgres") ? postgresAdapter(location) : sqliteAdapter(location);
}
