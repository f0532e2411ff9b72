import { expectTypeOf } from "vitest";
import { z } from "zod";
import type { DatabaseAdapter } from "../adapter/adapter.ts";
import type { Database } from "../adapter/database.ts";
import { hook } from "../hook/hook.ts";
import { migrate } from "../migrate/migrate.ts";
import { createDurableHooksProcessor, type DurableHooksProcessor } from "../processor/processor.ts";
import { custom, exponential, fixed, noRetry } from "../retry/policy.ts";
import { defineFragment } from "./define.ts";
import { instantiate } from "./instantiate.ts";

declare const databaseAdapter: DatabaseAdapter;

interface Config {
  readonly secret: string;
}

const audit = hook({
  input: z.object({ at: z.string().transform((text) => new Date(text)) }),
  run(payload, ctx) {
    expectTypeOf(payload).toEqualTypeOf<{ at: Date }>();
    expectTypeOf(ctx.attempt).toEqualTypeOf<number>();
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
    // @ts-expect-error A context is not to be written to.
    ctx.id = "1";
  },
});

const tick = hook({
  run(payload) {
    expectTypeOf(payload).toEqualTypeOf<null>();
  },
});

// Hooks.

hook({ retry: custom({ maxAttempts: 3, delay: ({ attempt }) => attempt * 100 }), run: async () => {} });
hook({ retry: noRetry(), timeoutMs: 5, run() {} });
// @ts-expect-error A hook does something.
hook({ input: z.string() });
// @ts-expect-error The schema is a Standard Schema.
hook({ input: { type: "string" }, run() {} });
// @ts-expect-error A policy is made by one of the functions.
hook({ retry: { maxAttempts: 3 }, run() {} });
// @ts-expect-error An option is misspelt.
hook({ timeout: 5, run() {} });
// @ts-expect-error A handler has nothing to answer.
hook({ run: () => 5 });
// @ts-expect-error An option of a policy is misspelt.
exponential({ attempts: 3 });
// @ts-expect-error A fixed policy names its attempts.
fixed({ delayMs: 5 });
// @ts-expect-error A custom policy answers milliseconds or null.
custom({ maxAttempts: 3, delay: () => "5" });

// The builder: every step sees those before it.

const webhooks = defineFragment<Config>("webhooks")
  .withTables((t) => {
    const endpoint = t.table("endpoint", { id: t.id(), url: t.text("url").notNull(), note: t.text("note") });
    const delivery = t.table("delivery", {
      id: t.id(),
      endpointId: t
        .uuid("endpoint_id")
        .notNull()
        .references(() => endpoint.id),
      at: t.timestamp("at").notNull(),
      count: t.bigint("count").notNull(),
      data: t.json("data").$type<{ a: number }>(),
    });
    // @ts-expect-error Only what both dialects have is offered.
    t.point("place");
    // @ts-expect-error A reference is to a column.
    t.uuid("other_id").references(() => endpoint.missing);
    return { endpoint, delivery };
  })
  .withHooks(({ config, tables }) => {
    expectTypeOf(config).toEqualTypeOf<Config>();
    expectTypeOf(tables.endpoint.$inferSelect).toEqualTypeOf<{
      id: string;
      url: string;
      note: string | null;
    }>();
    return { audit, tick };
  })
  .withHooks(({ config }) => ({
    deliver: hook({
      input: z.object({ url: z.string(), page: z.coerce.number().default(1) }),
      async run(payload, ctx) {
        expectTypeOf(config.secret).toEqualTypeOf<string>();
        expectTypeOf(payload).toEqualTypeOf<{ url: string; page: number }>();
        const rows = await ctx.transaction(async (uow) => {
          expectTypeOf(uow.db).toEqualTypeOf<Database>();
          expectTypeOf(uow.tables.delivery.$inferInsert.count).toEqualTypeOf<number>();
          uow.triggerSelf({ url: "https://a", page: "2" });
          uow.triggerHook("audit", { at: "now" });
          uow.triggerHook("tick");
          // @ts-expect-error Itself it triggers with triggerSelf.
          uow.triggerHook("deliver", { url: "https://a" });
          // @ts-expect-error The payload is the hook's own.
          uow.triggerSelf({ at: "now" });
          // @ts-expect-error The payload is missing.
          uow.triggerSelf();
          // @ts-expect-error There is no such table.
          void uow.tables.missing;
          return uow.db.select().from(uow.tables.endpoint);
        });
        expectTypeOf(rows).toEqualTypeOf<{ id: string; url: string; note: string | null }[]>();
        // @ts-expect-error A transaction's work is asynchronous.
        await ctx.transaction(() => 5);
      },
    }),
  }))
  .withServices(({ config, tables }) => {
    expectTypeOf(config).toEqualTypeOf<Config>();
    expectTypeOf(tables.delivery.$inferSelect.at).toEqualTypeOf<Date>();
    expectTypeOf(tables.delivery.$inferSelect.data).toEqualTypeOf<{ a: number } | null>();
    return {
      async publish(uow, url: string, tries?: number) {
        expectTypeOf(uow.triggerHook("deliver", { url, page: tries })).toEqualTypeOf<string>();
        uow.triggerHook("deliver", { url }, { key: "a", onConflict: "replace", retry: noRetry() });
        uow.triggerHook("tick");
        uow.triggerHook("tick", null, { processAt: new Date(), priority: 5, trace: { a: 1 } });
        // @ts-expect-error There is no such hook.
        uow.triggerHook("delvier", { url });
        // @ts-expect-error The payload does not fit.
        uow.triggerHook("deliver", { url: 5 });
        // @ts-expect-error The payload lacks a part.
        uow.triggerHook("deliver", {});
        // @ts-expect-error The payload has a part too many.
        uow.triggerHook("deliver", { url, body: "a" });
        // @ts-expect-error The payload is missing.
        uow.triggerHook("deliver");
        // @ts-expect-error What is triggered is the schema's input, not its output.
        uow.triggerHook("audit", { at: new Date() });
        // @ts-expect-error The hook takes no payload.
        uow.triggerHook("tick", { url });
        // @ts-expect-error An option is misspelt.
        uow.triggerHook("tick", null, { proccessAt: new Date() });
        // @ts-expect-error A due time is a Date.
        uow.triggerHook("tick", null, { processAt: 5 });
        // @ts-expect-error There is no such way to resolve a conflict.
        uow.triggerHook("tick", null, { key: "a", onConflict: "merge" });
        // @ts-expect-error A function cannot be stored with the item.
        uow.triggerHook("tick", null, { retry: custom({ maxAttempts: 3, delay: () => 5 }) });
        // @ts-expect-error Itself only a handler triggers.
        void uow.triggerSelf;
        // @ts-expect-error Raw SQL fits one dialect only.
        void uow.db.execute;
        return uow.db.select({ url: uow.tables.endpoint.url }).from(uow.tables.endpoint);
      },
      count: () => 5,
    };
  })
  .withServices(() => ({ ping: async (_uow, ...all: number[]) => all.length }))
  .withRoutes(({ config, services }) => {
    expectTypeOf(config).toEqualTypeOf<Config>();
    expectTypeOf(services.publish).toEqualTypeOf<
      (url: string, tries?: number) => Promise<{ url: string }[]>
    >();
    return { fetch: async () => Response.json(await services.publish("https://a")) };
  })
  .build();

// @ts-expect-error A fragment has a name.
defineFragment();
// @ts-expect-error Hooks are made with hook().
defineFragment("a").withHooks(() => ({ run: () => {} }));
// @ts-expect-error Services are functions.
defineFragment("a").withServices(() => ({ count: 5 }));
// @ts-expect-error Routes answer requests.
defineFragment("a").withRoutes(() => ({ get: () => new Response() }));
// @ts-expect-error Routes answer with a response.
defineFragment("a").withRoutes(() => ({ fetch: () => "ok" }));
// @ts-expect-error Migrations are those that `sherd generate` wrote.
defineFragment("a").withTables(() => ({}), { migrations: "./migrations" });
// @ts-expect-error An option is misspelt.
defineFragment("a").withTables(() => ({}), { migration: [] });
defineFragment("a")
  // @ts-expect-error A service sees only the hooks of earlier calls.
  .withServices(() => ({ go: async (uow) => uow.triggerHook("tick") }))
  .withHooks(() => ({ tick }));

// Instantiation.

const fragment = instantiate(webhooks)
  .withConfig({ secret: "s" })
  .withOptions({
    databaseAdapter,
    namespace: "hooks",
    mountRoute: "/hooks",
    durableHooks: {
      stuckProcessingTimeoutMinutes: false,
      onStuckProcessingHooks: ({ namespace, timeoutMinutes, events }) => {
        expectTypeOf(namespace).toEqualTypeOf<string>();
        expectTypeOf(timeoutMinutes).toEqualTypeOf<number | null>();
        expectTypeOf(events[0]?.end).toEqualTypeOf<"ready" | "failed" | "cancelled" | undefined>();
      },
      onEvent: (event) => {
        if (event.type === "failed") expectTypeOf(event.retryInMs).toEqualTypeOf<number | null>();
        // @ts-expect-error Not every event has a duration.
        void event.durationMs;
      },
    },
    onError: (error, { during }) => {
      expectTypeOf(error).toEqualTypeOf<unknown>();
      expectTypeOf(during).toExtend<string>();
    },
  })
  .build();
instantiate(webhooks).withOptions({ databaseAdapter }).withConfig({ secret: "s" }).build();

// @ts-expect-error The config and the options are missing.
void instantiate(webhooks).build;
// @ts-expect-error The options are missing.
void instantiate(webhooks).withConfig({ secret: "s" }).build;
// @ts-expect-error The config is missing.
void instantiate(webhooks).withOptions({ databaseAdapter }).build;
// @ts-expect-error The config does not fit.
instantiate(webhooks).withConfig({ secret: 5 });
// @ts-expect-error The config is missing.
instantiate(webhooks).withConfig();
// @ts-expect-error The adapter is missing.
instantiate(webhooks).withOptions({});
// @ts-expect-error An option is misspelt.
instantiate(webhooks).withOptions({ databaseAdapter, nameSpace: "a" });
// @ts-expect-error An option of hooks is misspelt.
instantiate(webhooks).withOptions({ databaseAdapter, durableHooks: { concurency: 5 } });
// @ts-expect-error A builder is not a definition yet.
instantiate(defineFragment("a"));

const plain = defineFragment("plain")
  .withHooks(() => ({ tick, note: hook({ input: z.string().nullable(), run() {} }) }))
  .withServices(() => ({ echo: async (_uow, text: string) => text }))
  .build();
const plainFragment = instantiate(plain).withOptions({ databaseAdapter }).build();
// @ts-expect-error Its options are missing.
void instantiate(plain).build;

// The fragment.

expectTypeOf(fragment.services.publish).toEqualTypeOf<
  (url: string, tries?: number) => Promise<{ url: string }[]>
>();
expectTypeOf(fragment.services.count).toEqualTypeOf<() => Promise<number>>();
expectTypeOf(fragment.services.ping).toEqualTypeOf<(...all: number[]) => Promise<number>>();
expectTypeOf(fragment.tables.endpoint.$inferSelect.url).toEqualTypeOf<string>();
// @ts-expect-error There is no such service.
void fragment.services.missing;
// @ts-expect-error The argument does not fit.
void fragment.services.publish(5);
// @ts-expect-error The argument is missing.
void fragment.services.publish();
// @ts-expect-error The caller has no unit of work to pass.
void fragment.services.ping({}, 5);

const answered = fragment.transaction(async (uow) => {
  uow.triggerHook("deliver", { url: "https://a" });
  expectTypeOf(uow.services.publish).toEqualTypeOf<typeof fragment.services.publish>();
  // @ts-expect-error There is no such hook.
  uow.triggerHook("missing");

  const other = uow.use(plainFragment);
  other.triggerHook("tick");
  other.triggerHook("note");
  other.triggerHook("note", "a");
  expectTypeOf(other.services.echo).toEqualTypeOf<(text: string) => Promise<string>>();
  expectTypeOf(other.db).toEqualTypeOf<Database>();
  // @ts-expect-error That is the other fragment's.
  other.triggerHook("deliver", { url: "https://a" });
  // @ts-expect-error The payload does not fit.
  other.triggerHook("note", 5);
  // @ts-expect-error That is the other fragment's.
  void other.services.publish;
  // @ts-expect-error That is the other fragment's.
  void other.tables.endpoint;
  const back = other.use(fragment);
  expectTypeOf(back.tables.endpoint.$inferSelect.url).toEqualTypeOf<string>();
  // @ts-expect-error A definition takes no part in a transaction.
  uow.use(plain);
  return 5;
});
expectTypeOf(answered).toEqualTypeOf<Promise<number>>();
// @ts-expect-error Its work is asynchronous.
void fragment.transaction((uow) => uow.triggerHook("tick"));

const joined = fragment.within({}, async (uow) => uow.triggerHook("tick"));
expectTypeOf(joined).toEqualTypeOf<Promise<string>>();
// @ts-expect-error A transaction is an object.
void fragment.within("tx", async () => 5);

void fragment.handler(new Request("https://a"), { waitUntil: (promise) => void promise });
void fragment.hooks.list({ status: "failed", name: "deliver" });
// @ts-expect-error There is no such status.
void fragment.hooks.list({ status: "done" });
// @ts-expect-error What has not finished is not pruned.
void fragment.hooks.prune({ status: "pending", olderThanMs: 0 });
// @ts-expect-error A fragment is not to be written to.
fragment.namespace = "a";

// What takes fragments.

void migrate(fragment, plainFragment);
expectTypeOf(createDurableHooksProcessor(fragment)).toEqualTypeOf<DurableHooksProcessor | null>();
// @ts-expect-error A definition has no tables of its own yet.
void migrate(plain);
// @ts-expect-error A processor may be null.
void createDurableHooksProcessor(fragment).wake();
