import type { DatabaseAdapter, DurableHooksOptions } from "@sherd/core";
import { beforeAll } from "vitest";
import { type DatabaseKind, type OpenOptions, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe, type Probe, type Run } from "../guarantees/probe.ts";

export interface Probes {
  /** The one adapter of the surrounding `describe`. */
  adapter(): DatabaseAdapter;
  /** What a child process needs to open the database too; null in memory. */
  location(): string | null;
  /** A probe in a namespace of its own, migrated. */
  make(run?: Run, options?: DurableHooksOptions): Promise<Probe>;
}

/** Have a database of this kind, one adapter for it, and as many probes on that as the tests ask for. */
export function useProbes(kind: DatabaseKind, options: OpenOptions = {}): Probes {
  const database = useDatabase(kind);
  let opened: DatabaseAdapter | null = null;
  beforeAll(() => void (opened = database.adapter(options)));
  const adapter = () => {
    if (opened === null) throw new Error("The adapter is opened before the first test.");
    return opened;
  };
  return {
    adapter,
    location: () => database.location,
    make: (run, settings) => makeProbe(adapter(), freshNamespace(), run, settings),
  };
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It was to be rejected, and resolved.");
}
