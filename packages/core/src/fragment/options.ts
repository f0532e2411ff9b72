import type { DatabaseAdapter } from "../adapter/adapter.ts";
import type { ErrorContext } from "../hook/events.ts";
import type { DurableHooksOptions } from "../hook/options.ts";

export interface FragmentOptions {
  readonly databaseAdapter: DatabaseAdapter;
  /** The name under which the rows live. Default: the fragment's name. Give one to have a definition twice. */
  readonly namespace?: string;
  /** The path under which `handler` serves the routes. Default: `/` and the namespace. */
  readonly mountRoute?: string;
  readonly durableHooks?: DurableHooksOptions;
  /** Hears of errors that no caller will see: Sherd itself never writes to the console. */
  readonly onError?: (error: unknown, context: ErrorContext) => void;
}

export const fragmentOptionNames = [
  "databaseAdapter",
  "namespace",
  "mountRoute",
  "durableHooks",
  "onError",
] as const satisfies readonly (keyof FragmentOptions)[];
