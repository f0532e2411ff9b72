import {
  defineFragment,
  fixed,
  hook,
  instantiate,
  type Migration,
  NonRetryable,
  type TriggerOptions,
} from "@sherd/core";
import { epochMs, type ProcessContext, type Random, type SimulatedApp } from "@sherd/testing/simulator";
import { z } from "zod";
import type { newPage } from "./feeds.ts";

type Page = ReturnType<typeof newPage>;

const table = (name: string, column: string) =>
  `create table "{{namespace}}_${name}" (id text primary key not null, ${column} text not null)`;
const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [],
    sqlite: [
      table("order", "hook"),
      table("effect", "hook"),
      'create table "{{namespace}}_page" (id text primary key not null, feed text not null, number integer not null)',
    ],
  },
];

/** How the handler of one hook behaves, decided when it is triggered. */
const plan = z.object({
  /** It fails so often before it succeeds. */
  failures: z.number().default(0),
  /** It kills its process so often before it does not. */
  kills: z.number().default(0),
  takesMs: z.number().default(0),
  ends: z.enum(["well", "for good", "never"]).default("well"),
  /** Of the hook that it triggers along with its effect. */
  child: z.boolean().default(false),
});
export type Plan = z.input<typeof plan>;

type Process = Pick<ProcessContext, "sleep" | "crash">;

async function behave(
  process: Process,
  { failures, kills, takesMs, ends }: z.output<typeof plan>,
  attempt: number,
) {
  if (takesMs > 0) await process.sleep(takesMs);
  if (attempt <= kills) {
    process.crash();
    await new Promise(() => {});
  }
  if (ends === "never") await new Promise(() => {});
  if (ends === "for good") throw new NonRetryable("it says no");
  if (attempt <= kills + failures) throw new Error("it fails for now");
}

const base = defineFragment<Process>("shop")
  .withTables(
    (t) => ({
      order: t.table("order", { id: t.id(), hook: t.text("hook").notNull() }),
      effect: t.table("effect", { id: t.id(), hook: t.text("hook").notNull() }),
      page: t.table("page", {
        id: t.id(),
        feed: t.text("feed").notNull(),
        number: t.integer("number").notNull(),
      }),
    }),
    { migrations },
  )
  .withHooks(({ config }) => ({
    notify: hook({
      input: plan,
      timeoutMs: 20_000,
      run: (payload, ctx) => behave(config, payload, ctx.attempt),
    }),
    charge: hook({
      input: plan,
      timeoutMs: 20_000,
      async run(payload, ctx) {
        await behave(config, payload, ctx.attempt);
        await ctx.transaction(async (uow) => {
          await uow.db.insert(uow.tables.effect).values({ hook: ctx.id });
          if (payload.child) uow.triggerSelf({});
        });
      },
    }),
  }))
  .withServices(() => ({
    /** The order and its hook, in one transaction. */
    async place(uow, name: "notify" | "charge", payload: Plan, options: TriggerOptions) {
      const id = uow.triggerHook(name, payload, options);
      await uow.db.insert(uow.tables.order).values({ hook: id });
      return id;
    },
    /** A page of a feed, and what is to be done with it. */
    async keep(uow, page: Page, beside: (transaction: object) => Promise<unknown>) {
      await uow.db.insert(uow.tables.page).values(page);
      if (page.number % 3 === 0) uow.triggerHook("notify", {});
      await beside(uow);
    },
    pages: (uow) => uow.db.select().from(uow.tables.page),
    async placedAndCharged(uow) {
      const orders = await uow.db.select().from(uow.tables.order);
      const effects = await uow.db.select().from(uow.tables.effect);
      return { orders: orders.map((row) => row.hook), effects: effects.map((row) => row.hook) };
    },
  }));

const older = base.build();
const newer = base.withHooks(() => ({ added: hook({ run() {} }) })).build();

export type Shop = ReturnType<typeof open>;

/** The shop, and its customers. */
export const shop: SimulatedApp<Shop> = {
  fragments: (context) => [open(context)],
  actions: {
    "places an order": ({ fragments: [one], random }) =>
      one?.services.place("notify", randomPlan(random), randomOptions(random)),
    "places an order that is charged": ({ fragments: [one], random }) =>
      one?.services.place("charge", randomPlan(random), randomOptions(random)),
    "places many at once": ({ fragments: [one], random }) =>
      one?.transaction(async (uow) => {
        for (let count = random.between(2, 12); count > 0; count--) {
          await uow.services.place(
            random.pick(["notify", "charge"]),
            randomPlan(random),
            randomOptions(random),
          );
        }
      }),
    "orders for one account": ({ fragments: [one], random }) =>
      one?.transaction(async (uow) => {
        for (let count = random.between(1, 3); count > 0; count--) {
          const concurrencyKey = random.pick(["account 1", "account 2"]);
          await uow.services.place("charge", randomPlan(random), { concurrencyKey });
        }
      }),
    "changes its mind after ordering": ({ fragments: [one], random }) =>
      one?.transaction(async (uow) => {
        await uow.services.place("charge", randomPlan(random), {});
        throw new Error("the order is withdrawn");
      }),
    "orders once under a key": ({ fragments: [one], random }) =>
      one?.transaction(async (uow) => {
        const key = random.pick(["daily", "weekly"]);
        uow.triggerHook("notify", randomPlan(random), {
          key,
          onConflict: random.pick(["ignore", "replace"]),
        });
      }),
    "cancels a hook": ({ fragments: [one], random, triggered }) =>
      triggered.length === 0 ? undefined : one?.hooks.cancel(random.pick(triggered)),
    "retries a hook": ({ fragments: [one], random, triggered }) =>
      triggered.length === 0 ? undefined : one?.hooks.retry(random.pick(triggered)),
    "prunes what has finished": ({ fragments: [one], random }) =>
      one?.hooks.prune({
        status: random.pick(["completed", "cancelled"]),
        olderThanMs: random.between(0, 5_000),
      }),
    "looks at the list": ({ fragments: [one] }) => one?.hooks.list({ status: "pending" }),
  },
  async check([one], { pruned }) {
    if (one === undefined) return ["There is no fragment to check with."];
    const { orders, effects } = await one.services.placedAndCharged();
    const wrong: string[] = [];
    for (const id of effects.filter((effect, index) => effects.indexOf(effect) !== index)) {
      wrong.push(`${id} has two effects`);
    }
    const statuses = new Map<string, string>();
    for (const status of ["completed", "failed", "cancelled"] as const) {
      for (const { id, name } of (await one.hooks.list({ status, limit: 1_000 })).hooks)
        statuses.set(id, `${name} ${status}`);
    }
    for (const id of orders) {
      if (!statuses.has(id) && !pruned.has(id)) wrong.push(`${id} was ordered, and there is no such hook`);
    }
    for (const id of effects) {
      const status = statuses.get(id) ?? (pruned.has(id) ? "charge completed" : "gone");
      if (status !== "charge completed") wrong.push(`${id} has an effect, and is ${status}`);
    }
    for (const [id, status] of statuses) {
      if (status === "charge completed" && !effects.includes(id))
        wrong.push(`${id} completed without its effect`);
    }
    return wrong;
  },
};

function open({ databaseAdapter, durableHooks, isOlderRelease, sleep, crash }: ProcessContext) {
  const options = { databaseAdapter, durableHooks: { ...durableHooks, concurrency: 4, retry } };
  const definition = isOlderRelease ? (older as unknown as typeof newer) : newer;
  return instantiate(definition).withConfig({ sleep, crash }).withOptions(options).build();
}

const retry = fixed({ delayMs: 300, maxAttempts: 6 });

function randomPlan(random: Random): Plan {
  return {
    failures: random.chance(0.3) ? random.between(1, 8) : 0,
    kills: random.chance(0.08) ? random.between(1, 4) : 0,
    takesMs: random.chance(0.3) ? random.between(1, 3_000) : 0,
    ends: random.chance(0.1) ? random.pick(["for good", "never"]) : "well",
    child: random.chance(0.2),
  };
}

function randomOptions(random: Random): TriggerOptions {
  return {
    ...(random.chance(0.3) ? { priority: random.between(-2, 2) } : {}),
    ...(random.chance(0.1) ? { processAt: new Date(epochMs + random.between(0, 60_000)) } : {}),
  };
}
