import {
  createDurableHooksProcessor,
  type DatabaseAdapter,
  defineFragment,
  type DurableHooksOptions,
  type DurableHooksProcessor,
  hook,
  type HookContext,
  type HookEvent,
  instantiate,
  migrate,
  type Migration,
  type TriggerOptions,
} from "@sherd/core";
import { z } from "zod";

const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [
      `create table "{{namespace}}_effect" (id uuid primary key not null, hook text not null, note text not null)`,
    ],
    sqlite: [
      `create table "{{namespace}}_effect" (id text primary key not null, hook text not null, note text not null)`,
    ],
  },
];

/** A fragment whose handlers a test gives, and whose table records their effects. */
export const probeDefinition = defineFragment<{ readonly run: Run }>("probe")
  .withTables(
    (t) => ({
      effect: t.table("effect", {
        id: t.id(),
        hook: t.text("hook").notNull(),
        note: t.text("note").notNull(),
      }),
    }),
    { migrations },
  )
  .withHooks(({ config }) => ({
    work: hook({ input: z.unknown(), run: (payload, ctx) => config.run(payload, ctx as Context) }),
    extra: hook({ input: z.unknown(), run: (payload, ctx) => config.run(payload, ctx as Context) }),
  }))
  .withServices(() => ({
    trigger(uow, payload?: unknown, options?: TriggerOptions) {
      return uow.triggerHook("work", payload ?? null, options);
    },
    triggerMany(uow, payloads: readonly unknown[], options?: TriggerOptions) {
      return payloads.map((payload) => uow.triggerHook("work", payload, options));
    },
    async note(uow, hookId: string, note: string) {
      await uow.db.insert(uow.tables.effect).values({ hook: hookId, note });
    },
    async effects(uow) {
      return uow.db.select().from(uow.tables.effect);
    },
  }))
  .build();

// The handler's unit of work is typed where a test uses it.
type Context = HookContext<ProbeUnit, unknown>;
type ProbeUnit = Parameters<Parameters<ProbeFragment["transaction"]>[0]>[0];
type ProbeFragment = ReturnType<typeof instantiateProbe>;
export type Run = (payload: unknown, ctx: Context) => Promise<void> | void;

function instantiateProbe(
  adapter: DatabaseAdapter,
  namespace: string,
  run: Run,
  durableHooks: DurableHooksOptions,
) {
  return instantiate(probeDefinition)
    .withConfig({ run })
    .withOptions({ databaseAdapter: adapter, namespace, durableHooks })
    .build();
}

export interface Probe {
  readonly fragment: ProbeFragment;
  readonly processor: DurableHooksProcessor;
  /** What has happened so far. */
  readonly events: readonly HookEvent[];
}

/** Bring a probe to life on a migrated namespace, with a processor. */
export async function makeProbe(
  adapter: DatabaseAdapter,
  namespace: string,
  run: Run = () => {},
  options: DurableHooksOptions = {},
): Promise<Probe> {
  const events: HookEvent[] = [];
  const fragment = instantiateProbe(adapter, namespace, run, {
    onEvent: (event) => events.push(event),
    ...options,
  });
  await migrate(fragment);
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The probe has hooks, so it has a processor.");
  return { fragment, processor, events };
}

/** A namespace that no other test has. */
export function freshNamespace(): string {
  return `p${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
}
