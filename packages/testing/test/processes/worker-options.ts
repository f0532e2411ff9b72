import type { DurableHooksOptions } from "@sherd/core";

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
