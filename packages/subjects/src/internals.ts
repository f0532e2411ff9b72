import type { Clock, DatabaseAdapter } from "@sherd/core";
import type { Pools } from "./pool.ts";
import type { SubjectReporter } from "./events.ts";

/** What the calls and the drivers of one profile share. */
export interface SubjectInternals {
  readonly adapter: DatabaseAdapter;
  readonly profile: string;
  readonly owner: string;
  readonly pools: Pools;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: SubjectReporter;
  /**
   * By queue: called within a transaction after which something is due, before it commits, with the milliseconds until it
   * is.
   */
  readonly triggering: Map<string, Set<(dueInMs: number) => Promise<void>>>;
  /** Check once that the database is migrated. */
  ready(): Promise<void>;
}

/** Where the subjects of a dispatcher id live. */
export function queueOf({ profile }: Pick<SubjectInternals, "profile">, dispatcherId: string): string {
  return `subject/${profile}/${dispatcherId}`;
}
