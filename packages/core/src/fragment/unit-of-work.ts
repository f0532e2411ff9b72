import type { Database } from "../adapter/database.ts";
import type { HookInputOf } from "../hook/hook.ts";
import type { TriggerOptions } from "../hook/trigger.ts";
import type { AnyFragment, HooksOf, ServicesOf, TablesOf } from "./fragment.ts";

/** One open database transaction, as the services of one fragment see it. */
export interface UnitOfWork<Tables, Hooks> {
  readonly db: Database;
  readonly tables: Tables;
  /**
   * Have a hook run once this transaction has committed; if it rolls back, it never does. Answers the item's
   * id at once. Rows are written in one statement right before the commit. Fails, before anything is written,
   * with `UNKNOWN_HOOK`, `PAYLOAD_INVALID`, `PAYLOAD_NOT_SERIALIZABLE`, `PAYLOAD_TOO_LARGE` or `INVALID_OPTION`.
   */
  triggerHook<Name extends keyof Hooks & string>(
    name: Name,
    ...args: TriggerArguments<HookInputOf<Hooks[Name]>>
  ): string;
  /** Call another fragment on the same adapter within this transaction. Fails with `FRAGMENT_MISMATCH`. */
  use<F extends AnyFragment>(fragment: F): UsedFragment<F>;
}

/** The same, with the fragment's services to call in it. */
export type ServiceUnitOfWork<Tables, Hooks, Services> = UnitOfWork<Tables, Hooks> & {
  readonly services: BoundServices<Services>;
};

export type UsedFragment<F extends AnyFragment> = ServiceUnitOfWork<TablesOf<F>, HooksOf<F>, ServicesOf<F>>;

type TriggerArguments<Input> = null extends Input
  ? [payload?: Input, options?: TriggerOptions]
  : [payload: Input, options?: TriggerOptions];

/** Services as a fragment's author writes them: the unit of work first. */
export type ServiceMap<Uow> = Readonly<Record<string, (uow: Uow, ...args: never[]) => unknown>>;

/** Services as their callers see them: without the unit of work, and always a promise. */
export type BoundServices<Services> = {
  readonly [Name in keyof Services]: Services[Name] extends (uow: never, ...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};
