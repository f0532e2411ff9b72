import { getTableName, type Table } from "drizzle-orm";
import type { DatabaseAdapter } from "../adapter/adapter.ts";
import { SherdError } from "../errors.ts";
import type { Hook } from "../hook/hook.ts";
import { hookOperations } from "../hook/operations.ts";
import { hookSettings } from "../hook/options.ts";
import { reporter } from "../hook/reporter.ts";
import { readiness } from "../migrate/readiness.ts";
import { scopeOf } from "../migrate/scope.ts";
import { invalidOption } from "../options/invalid-option.ts";
import { optionalFunction, requireInteger, requireKnown } from "../options/require-option.ts";
import { longestDelayMs } from "../retry/policy.ts";
import { type FragmentDefinition, requireNamespace } from "./define.ts";
import type { Fragment } from "./fragment.ts";
import { attachInternals, type FragmentInternals } from "./internals.ts";
import { type FragmentOptions, fragmentOptionNames } from "./options.ts";
import { routeHandler } from "./route-handler.ts";
import { runUnitOfWork, runWithin } from "./run-unit-of-work.ts";
import { tableBuilder } from "./tables.ts";

/** Takes a definition's config and options, in any order, before `build` is there to call. */
export type Instantiation<Config, Tables, Hooks, Services, Missing extends "config" | "options"> = {
  withConfig(config: Config): Instantiation<Config, Tables, Hooks, Services, Exclude<Missing, "config">>;
  withOptions(
    options: FragmentOptions,
  ): Instantiation<Config, Tables, Hooks, Services, Exclude<Missing, "options">>;
} & ([Missing] extends [never]
  ? {
      /** Bring the fragment to life. Fails with `INVALID_OPTION` or `NAMESPACE_TAKEN`; touches no database. */
      build(): Fragment<Tables, Hooks, Services>;
    }
  : unknown);

/** Begin to bring a definition to life. A definition without a config needs no `withConfig`. */
export function instantiate<Config, Tables, Hooks, Services>(
  definition: FragmentDefinition<Config, Tables, Hooks, Services>,
): Instantiation<Config, Tables, Hooks, Services, "options" | (Config extends void ? never : "config")> {
  return instantiation(definition, undefined, undefined) as never;
}

function instantiation<Config, Tables, Hooks, Services>(
  definition: FragmentDefinition<Config, Tables, Hooks, Services>,
  config: Config | undefined,
  options: FragmentOptions | undefined,
): object {
  return {
    withConfig: (given: Config) => instantiation(definition, given, options),
    withOptions: (given: FragmentOptions) => instantiation(definition, config, given),
    build: () => {
      if (options === undefined) throw invalidOption("withOptions", options, "called before build");
      return buildFragment(definition, config as Config, options);
    },
  };
}

function buildFragment<Config, Tables, Hooks, Services>(
  definition: FragmentDefinition<Config, Tables, Hooks, Services>,
  config: Config,
  options: FragmentOptions,
): Fragment<Tables, Hooks, Services> {
  const internals = buildInternals(definition, config, options);
  const { namespace, adapter } = internals;
  const services: Record<string, unknown> = {};
  for (const [name, service] of internals.services) {
    services[name] = (...args: unknown[]) => runUnitOfWork(internals, async (uow) => service(uow, ...args));
  }
  const routes = definition.buildRoutes?.({ config, services: services as never }) ?? null;
  const mountRoute = options.mountRoute ?? `/${namespace}`;
  const fragment: Fragment<Tables, Hooks, Services> = {
    name: definition.name,
    namespace,
    databaseAdapter: adapter,
    mountRoute: routes === null ? null : mountRoute,
    tables: internals.tables as Tables,
    schema: byTableName({ ...adapter.tables }, internals.tables as object),
    services: services as Fragment<Tables, Hooks, Services>["services"],
    hooks: hookOperations(internals),
    transaction: (work) => runUnitOfWork(internals, work as never),
    within: (tx, work) => runWithin(internals, tx, work as never),
    handler: routeHandler(namespace, mountRoute, routes),
    wake: () => adapter.notifier.publish(internals.queue, "work"),
  };
  takeNamespace(adapter, namespace);
  attachInternals(fragment, internals);
  return fragment;
}

function buildInternals<Config, Tables, Hooks, Services>(
  definition: FragmentDefinition<Config, Tables, Hooks, Services>,
  config: Config,
  options: FragmentOptions,
): FragmentInternals {
  requireKnown("options", options, fragmentOptionNames);
  const adapter = requireAdapter(options.databaseAdapter);
  const namespace = requireNamespace("options.namespace", options.namespace ?? definition.name);
  const tables = definition.buildTables(tableBuilder(adapter.dialect, namespace));
  const settings = hookSettings(options.durableHooks);
  const hooks = new Map(Object.entries(definition.buildHooks({ config, tables }) as Record<string, never>));
  for (const [name, hook] of hooks) requireHook(name, hook);
  const scope = scopeOf(definition, namespace);
  return {
    namespace,
    queue: `hook/${namespace}`,
    adapter,
    hooks,
    settings,
    report: reporter(namespace, settings, optionalFunction("options.onError", options.onError)),
    tables,
    services: new Map(Object.entries(definition.buildServices({ config, tables }) as Record<string, never>)),
    scope,
    triggering: new Set(),
    ready: readiness(adapter, scope === null ? [adapter.migrator.kernel] : [adapter.migrator.kernel, scope]),
  };
}

/** Under the names that they have in the database, which the namespace keeps apart. */
function byTableName(...groups: readonly object[]): Readonly<Record<string, unknown>> {
  const tables = groups.flatMap((group) => Object.values(group) as Table[]);
  return Object.fromEntries(tables.map((table) => [getTableName(table), table]));
}

function requireAdapter(adapter: DatabaseAdapter): DatabaseAdapter {
  if (typeof adapter === "object" && adapter !== null && "storage" in adapter) return adapter;
  throw invalidOption(
    "options.databaseAdapter",
    adapter,
    "an adapter, such as sqliteAdapter(…) or postgresAdapter(…)",
  );
}

function requireHook(name: string, { timeoutMs, run }: Hook<unknown, unknown>): void {
  if (typeof run !== "function") throw invalidOption(`hook "${name}".run`, run, "a function");
  if (timeoutMs !== undefined) requireInteger(`hook "${name}".timeoutMs`, timeoutMs, 1, longestDelayMs);
  if (name.length === 0 || name.length > 200) throw invalidOption("hook name", name, "1 to 200 characters");
}

const namespacesOf = new WeakMap<DatabaseAdapter, Set<string>>();

function takeNamespace(adapter: DatabaseAdapter, namespace: string): void {
  const taken = namespacesOf.get(adapter) ?? new Set();
  if (taken.has(namespace)) {
    throw new SherdError(
      "NAMESPACE_TAKEN",
      `Cannot instantiate a fragment as "${namespace}": another one on this adapter has that namespace, ` +
        `and their rows would mix. Give one of them a namespace of its own in withOptions.`,
      { namespace },
    );
  }
  namespacesOf.set(adapter, taken.add(namespace));
}
