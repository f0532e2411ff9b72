/** What a process of the harness is told, and what it answers. */
import type { DurableHooksOptions } from "@sherd/core";
import type { Boundary } from "./seam.ts";

interface Place {
  readonly location: string;
  readonly journal: string;
}

export interface ActTask extends Place {
  readonly kind: "act";
  readonly scenario: string;
  /** Where it dies; null to live. */
  readonly death: Boundary | null;
  /** Default: SIGKILL. */
  readonly signal?: "SIGKILL" | "SIGSTOP";
}

export interface WorkTask extends Place {
  readonly kind: "work";
  readonly pollIntervalMs: number;
  /** Stop, as SIGSTOP does, before this statement is sent for the first time. */
  readonly freezesAt?: string;
  readonly durableHooks: Pick<DurableHooksOptions, "concurrency" | "leaseMs" | "maxLost" | "owner">;
}

/** Hold the write lock of a SQLite file until killed. */
export interface LockTask {
  readonly kind: "lock";
  readonly location: string;
}

export type Task = ActTask | WorkTask | LockTask;

export interface Acted {
  readonly passed: readonly Boundary[];
  /** Statements that it sent before. */
  readonly prepared: readonly string[];
}
