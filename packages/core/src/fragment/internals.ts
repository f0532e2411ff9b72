import type { DatabaseAdapter } from "../adapter/adapter.ts";
import type { MigrationScope } from "../adapter/migrator.ts";
import { SherdError } from "../errors.ts";
import type { Reporter } from "../hook/reporter.ts";
import type { Hook } from "../hook/hook.ts";
import type { HookSettings } from "../hook/options.ts";

/** What the processor, `migrate` and other fragments need of a fragment, and users do not. */
export interface FragmentInternals {
  readonly namespace: string;
  readonly queue: string;
  readonly adapter: DatabaseAdapter;
  readonly hooks: ReadonlyMap<string, Hook<unknown, unknown>>;
  readonly settings: HookSettings;
  readonly report: Reporter;
  readonly tables: unknown;
  readonly services: ReadonlyMap<string, (uow: unknown, ...args: unknown[]) => unknown>;
  /** Null when the author shipped no migrations for the tables that there are. */
  readonly scope: MigrationScope | null;
  /** Called within a transaction that triggered hooks, before it commits, with the milliseconds until the earliest is due. */
  readonly triggering: Set<(dueInMs: number) => Promise<void>>;
  /** Check once that the database is migrated. */
  ready(): Promise<void>;
}

const internals = new WeakMap<object, FragmentInternals>();

export function attachInternals(fragment: object, value: FragmentInternals): void {
  internals.set(fragment, value);
}

/** Fails with `INVALID_OPTION` for what `instantiate` did not make. */
export function internalsOf(fragment: object): FragmentInternals {
  const found = internals.get(fragment);
  if (found !== undefined) return found;
  throw new SherdError(
    "INVALID_OPTION",
    "Expected a fragment that instantiate(…).build() of this copy of @sherd/core made. " +
      "Is the package installed twice, or was a definition passed in its place?",
    { option: "fragment", received: fragment },
  );
}
