/** The application whose processes are killed: an order and the hook that delivers it commit together. */
import {
  type Database,
  type DatabaseAdapter,
  defineFragment,
  fixed,
  type FragmentOptions,
  hook,
  type HookContext,
  instantiate,
  type Migration,
  NonRetryable,
  type TriggerOptions,
} from "@sherd/core";

/** What the handler does with an order. */
export interface Delivery {
  /**
   * `record`: write the effect on its own. `once`: write it in `ctx.transaction`. `with child`: that, and order something
   * else in it. `fail first`: as `record`, from the second attempt on. `fail`: always. `wait`: until the process says so.
   */
  readonly act: "record" | "once" | "with child" | "fail first" | "fail" | "wait";
  readonly note: string;
  /** How long it takes to deliver, in milliseconds, where the process has such a thing as time. */
  readonly takesMs?: number;
  readonly padding?: string;
}

export interface Order extends Delivery {
  readonly options?: TriggerOptions;
  readonly mayBePruned?: boolean;
}

export type Wait = (
  ctx: { readonly id: string; readonly signal: AbortSignal },
  takesMs: number,
) => Promise<void>;

const columns = (id: string, number: string) => ({
  order: `create table "{{namespace}}_order" (id ${id} primary key not null, note text not null, once ${number} not null, prunable ${number} not null)`,
  effect: `create table "{{namespace}}_effect" (id ${id} primary key not null, hook text not null, note text not null)`,
});
const postgres = columns("uuid", "integer");
const sqlite = columns("text", "integer");
const migrations: readonly Migration[] = [
  { tag: "0001_order", compatible: true, postgres: [postgres.order], sqlite: [sqlite.order] },
  { tag: "0002_effect", compatible: true, postgres: [postgres.effect], sqlite: [sqlite.effect] },
];

/** The queue of the fragment's hooks. */
export const queue = "hook/orders";

interface Config {
  readonly wait: Wait;
  /** What else the handler does in its transaction. */
  readonly inTransaction: (db: Database) => Promise<void>;
  readonly record: (hookId: string, note: string) => Promise<void>;
}

/** Takes what it is given: a schema library would be most of what a killed process had loaded. */
const delivery = {
  "~standard": {
    version: 1 as const,
    vendor: "sherd",
    validate: (value: unknown) => ({ value: value as Delivery }),
    types: undefined as { readonly input: Delivery; readonly output: Delivery } | undefined,
  },
};

const definition = defineFragment<Config>("orders")
  .withTables(
    (t) => ({
      order: t.table("order", {
        id: t.id(),
        note: t.text("note").notNull(),
        once: t.integer("once").notNull(),
        prunable: t.integer("prunable").notNull(),
      }),
      effect: t.table("effect", {
        id: t.id(),
        hook: t.text("hook").notNull(),
        note: t.text("note").notNull(),
      }),
    }),
    { migrations },
  )
  .withHooks(({ config }) => ({
    deliver: hook({
      input: delivery,
      retry: fixed({ delayMs: 0, maxAttempts: 100 }),
      run: (order, ctx) => deliver(order, ctx as Context, config),
    }),
  }))
  .withServices(() => ({
    /** Write orders, and trigger their hooks. */
    async place(uow, orders: readonly Order[]) {
      const rows = orders.map(({ options, mayBePruned = false, ...payload }) => ({
        id: uow.triggerHook("deliver", payload, options),
        note: payload.note,
        once: payload.act === "once" || payload.act === "with child" ? 1 : 0,
        prunable: mayBePruned ? 1 : 0,
      }));
      for (let at = 0; at < rows.length; at += 100)
        await uow.db.insert(uow.tables.order).values(rows.slice(at, at + 100));
      return rows.map(({ id }) => id);
    },
    /** Change what every order says, and debounce the hook that has `key`. */
    async change(uow, key: string, payload: Delivery) {
      await uow.db.update(uow.tables.order).set({ note: payload.note });
      uow.triggerHook("deliver", payload, { key, onConflict: "replace" });
    },
    async record(uow, hookId: string, note: string) {
      await uow.db.insert(uow.tables.effect).values({ hook: hookId, note });
    },
    orders: (uow) => uow.db.select().from(uow.tables.order),
    /** In the order in which they were written. */
    effects: (uow) => uow.db.select().from(uow.tables.effect).orderBy(uow.tables.effect.id),
  }))
  .build();

export type Orders = ReturnType<typeof openOrders>;
type OrdersUnit = Parameters<Parameters<Orders["transaction"]>[0]>[0];
type Context = HookContext<OrdersUnit, Delivery>;

async function deliver(
  { act, note, takesMs }: Delivery,
  ctx: Context,
  { wait, record, inTransaction }: Config,
): Promise<void> {
  if (act === "fail") throw new NonRetryable("It cannot be delivered.");
  if (act === "fail first" && ctx.attempt === 1) throw new Error("Nobody was at home.");
  if (act === "wait" || takesMs !== undefined) await wait(ctx, takesMs ?? 0);
  if (act !== "once" && act !== "with child") return record(ctx.id, note);
  await ctx.transaction(async (uow) => {
    await inTransaction(uow.db);
    await uow.services.record(ctx.id, note);
    if (act === "with child") await uow.services.place([{ act: "once", note: `after ${note}` }]);
  });
}

export function openOrders(
  databaseAdapter: DatabaseAdapter,
  work: Pick<Config, "wait" | "inTransaction">,
  { durableHooks, onError }: Pick<FragmentOptions, "durableHooks" | "onError">,
) {
  const fragment = instantiate(definition)
    .withConfig({ ...work, record: (id, note): Promise<void> => fragment.services.record(id, note) })
    .withOptions({ databaseAdapter, durableHooks: durableHooks ?? {}, onError: onError ?? (() => {}) })
    .build();
  return fragment;
}
