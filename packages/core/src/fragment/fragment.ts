import type { DatabaseAdapter } from "../adapter/adapter.ts";
import type { HookOperations } from "../hook/operations.ts";
import type { BoundServices, ServiceUnitOfWork } from "./unit-of-work.ts";

/** A definition brought to life: with its config, its options and a place for its rows. */
export interface Fragment<Tables, Hooks, Services> {
  /** The definition's name. */
  readonly name: string;
  /** The name under which its rows live; no two fragments on one adapter share it. */
  readonly namespace: string;
  readonly databaseAdapter: DatabaseAdapter;
  /** The path under which `handler` serves the routes; null when there are none. */
  readonly mountRoute: string | null;
  readonly tables: Tables;
  /** The fragment's and the kernel's drizzle tables, by their names in the database, for a drizzle-kit schema of your own. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Each call opens a unit of work, commits it, then wakes the processors. */
  readonly services: BoundServices<Services>;
  /** Look after triggered hooks: list, get, retry, cancel, prune, count. */
  readonly hooks: HookOperations;

  /** Run ad hoc code in one unit of work. */
  transaction<T>(work: (uow: ServiceUnitOfWork<Tables, Hooks, Services>) => Promise<T>): Promise<T>;

  /**
   * Run services and triggers inside a drizzle transaction that the caller opened and will end: the
   * application's writes, the fragment's and its hooks commit together or not at all. The hooks' rows are
   * written when `work` resolves.
   */
  within<T>(
    drizzleTransaction: object,
    work: (uow: ServiceUnitOfWork<Tables, Hooks, Services>) => Promise<T>,
  ): Promise<T>;

  /** Answer a request with the fragment's routes, which see the path behind `mountRoute`. */
  handler(request: Request, context?: HandlerContext): Promise<Response>;

  /** Hint that hooks may be due, for one who committed them in a way that Sherd cannot see. */
  wake(): void;

  readonly [phantom]?: { readonly tables: Tables; readonly hooks: Hooks; readonly services: Services };
}

export interface HandlerContext {
  /** Keeps a serverless host alive until the promise ends. */
  readonly waitUntil?: (promise: Promise<unknown>) => void;
}

declare const phantom: unique symbol;

// What any fragment is assignable to: its parameters stand in positions of both variances.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyFragment = Fragment<any, any, any>;

export type TablesOf<F> = F extends Fragment<infer Tables, infer _Hooks, infer _Services> ? Tables : never;
export type HooksOf<F> = F extends Fragment<infer _Tables, infer Hooks, infer _Services> ? Hooks : never;
export type ServicesOf<F> = F extends { readonly [phantom]?: { readonly services: infer Services } }
  ? Services
  : never;
