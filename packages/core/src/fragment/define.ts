import type { Migration } from "../adapter/migrator.ts";
import type { HookMap } from "../hook/hook.ts";
import { invalidOption } from "../options/invalid-option.ts";
import type { TableBuilder } from "./tables.ts";
import type { BoundServices, ServiceMap, ServiceUnitOfWork, UnitOfWork } from "./unit-of-work.ts";

/** What a fragment's hooks and services are built from. */
export interface BuildScope<Config, Tables> {
  readonly config: Config;
  readonly tables: Tables;
}

export interface RouteScope<Config, Services> {
  readonly config: Config;
  readonly services: BoundServices<Services>;
}

/** Anything that answers requests: a Hono app, an itty router, an object of your own. */
export interface Routes {
  fetch(request: Request, ...rest: never[]): Response | Promise<Response>;
}

/** A reusable piece of backend, before it has a config and a place to live. */
export interface FragmentDefinition<Config, Tables, Hooks, Services> {
  readonly name: string;
  /** Null where the author shipped none: then the tables live in a schema of the user's own. */
  readonly migrations: readonly Migration[] | null;
  readonly buildTables: (t: TableBuilder) => Tables;
  readonly buildHooks: (scope: BuildScope<Config, Tables>) => Hooks;
  readonly buildServices: (scope: BuildScope<Config, Tables>) => Services;
  readonly buildRoutes: ((scope: RouteScope<Config, Services>) => Routes) | null;
}

export interface TableOptions {
  /** What `sherd generate` wrote, imported: `import { migrations } from "./migrations/index.js"`. */
  readonly migrations: readonly Migration[];
}

/** Collects a fragment's parts; every step sees the types of those before it. */
export interface FragmentBuilder<Config, Tables, Hooks, Services> {
  withTables<T extends Readonly<Record<string, object>>>(
    build: (t: TableBuilder) => T,
    options?: TableOptions,
  ): FragmentBuilder<Config, T, Hooks, Services>;
  /** A hook's handler can trigger those of earlier calls, and itself with `triggerSelf`. */
  withHooks<H extends HookMap<UnitOfWork<Tables, Hooks>>>(
    build: (scope: BuildScope<Config, Tables>) => H,
  ): FragmentBuilder<Config, Tables, Hooks & H, Services>;
  /** A service can call those of earlier calls, in its own transaction, as `uow.services`. */
  withServices<S extends ServiceMap<ServiceUnitOfWork<Tables, Hooks, Services>>>(
    build: (scope: BuildScope<Config, Tables>) => S,
  ): FragmentBuilder<Config, Tables, Hooks, Services & S>;
  withRoutes(
    build: (scope: RouteScope<Config, Services>) => Routes,
  ): FragmentBuilder<Config, Tables, Hooks, Services>;
  build(): FragmentDefinition<Config, Tables, Hooks, Services>;
}

export type Nothing = Readonly<Record<never, never>>;

/**
 * Begin a fragment. `name` is the default namespace of its rows and its routes: lower-case letters, digits,
 * `-` and `_`, up to 40 characters. `Config` is what whoever instantiates it must give.
 */
export function defineFragment<Config = void>(
  name: string,
): FragmentBuilder<Config, Nothing, Nothing, Nothing> {
  requireNamespace("name", name);
  return builder({
    name,
    migrations: [],
    buildTables: () => ({}),
    buildHooks: () => ({}),
    buildServices: () => ({}),
    buildRoutes: null,
  });
}

function builder<Config, Tables, Hooks, Services>(
  definition: FragmentDefinition<Config, Tables, Hooks, Services>,
): FragmentBuilder<Config, Tables, Hooks, Services> {
  return {
    withTables: (build, options) =>
      builder({ ...definition, buildTables: build, migrations: options?.migrations ?? null } as never),
    withHooks: (build) =>
      builder({
        ...definition,
        buildHooks: (scope) => merge("hook", definition.name, definition.buildHooks(scope), build(scope)),
      }),
    withServices: (build) =>
      builder({
        ...definition,
        buildServices: (scope) =>
          merge("service", definition.name, definition.buildServices(scope), build(scope)),
      }),
    withRoutes: (build) => builder({ ...definition, buildRoutes: build }),
    build: () => definition,
  } as FragmentBuilder<Config, Tables, Hooks, Services>;
}

function merge<A, B>(what: string, fragment: string, earlier: A, later: B): A & B {
  for (const name of Object.keys(later as object)) {
    if (Object.hasOwn(earlier as object, name)) {
      throw invalidOption(`${fragment}: ${what} "${name}"`, name, "defined once");
    }
  }
  return { ...earlier, ...later };
}

/** The kernel's tables begin with the one, and its migrations are on record under the other. */
const reserved: readonly string[] = ["sherd", "kernel"];

/** The namespace stands in table names, of which PostgreSQL keeps 63 bytes. */
export function requireNamespace(option: string, namespace: string): string {
  if (reserved.includes(namespace))
    throw invalidOption(option, namespace, `other than ${reserved.join(" and ")}`);
  if (typeof namespace === "string" && /^[a-z][a-z0-9_-]{0,39}$/.test(namespace)) return namespace;
  throw invalidOption(
    option,
    namespace,
    "1 to 40 characters, a lower-case letter and then letters, digits, `-` and `_`",
  );
}
