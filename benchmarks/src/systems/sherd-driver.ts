/** Sherd through its public API, the same on every database. */
import {
  createDurableHooksProcessor,
  type DatabaseAdapter,
  defineFragment,
  type DurableHooksProcessor,
  hook,
  instantiate,
  migrate,
} from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { bigint, integer, pgTable, text } from "drizzle-orm/pg-core";
import { z } from "zod";
import type { Fleet, Mode, OpenOptions, OpenSystem, Order, Payload, WorkOptions } from "../system.ts";

/** The users' table, which the harness has created. */
const benchOrder = pgTable("bench_order", {
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  amount: integer("amount").notNull(),
  note: text("note").notNull(),
});

const definition = defineFragment<{ readonly handler: WorkOptions["handler"] }>("bench")
  .withHooks(({ config }) => ({
    run: hook({
      input: z.object({ number: z.number().optional() }),
      // Not async: a no-op must cost what Sherd makes of it, not a promise of the benchmark's.
      run: (payload) => config.handler(payload as Payload),
    }),
  }))
  .withServices(() => ({
    async trigger(uow, payload: Payload) {
      uow.triggerHook("run", payload);
    },
    async write(uow, order: Order) {
      await uow.db.insert(benchOrder).values(order);
    },
    async triggerBesideWrite(uow, order: Order, payload: Payload) {
      await uow.db.insert(benchOrder).values(order);
      uow.triggerHook("run", payload);
    },
    async triggerTogether(uow, payloads: readonly Payload[], processAt: Date | undefined) {
      const options = processAt === undefined ? {} : { processAt };
      for (const payload of payloads) uow.triggerHook("run", payload, options);
    },
  }))
  .build();

/** What the documentation tells who has many short hooks: more of them at a time than the default of 100. */
export const tunedConcurrency = 1_000;

export const sherdSettings: Readonly<Record<Mode, string>> = {
  tuned: `concurrency ${tunedConcurrency}`,
  defaults: "nothing set",
};

type MakeAdapter = () => DatabaseAdapter;

export async function openSherd(makeAdapter: MakeAdapter, options: OpenOptions): Promise<OpenSystem> {
  const adapter = makeAdapter();
  let handler: WorkOptions["handler"] = () => undefined;
  const { mode, namespace = definition.name } = options;
  const durableHooks = mode === "tuned" ? { concurrency: tunedConcurrency } : {};
  const fragment = openFragment(adapter, { namespace, durableHooks }, (payload) => handler(payload));
  if (options.install) await migrate(fragment);
  const { services } = fragment;
  // Never started: it only answers what is due.
  const asked = processorOf(fragment);
  let processors: readonly DurableHooksProcessor[] = [];
  return {
    trigger: (payload) => services.trigger(payload),
    write: (order) => services.write(order),
    triggerBesideWrite: (order, payload) => services.triggerBesideWrite(order, payload),
    triggerTogether: (payloads, { dueInMs } = {}) =>
      services.triggerTogether(payloads, dueInMs === undefined ? undefined : new Date(Date.now() + dueInMs)),
    async work(work) {
      // As the documentation has it: who triggers runs the fragment's processor, over the connections that are there.
      handler = work.handler;
      const started =
        work.fleet === undefined
          ? startWorker(fragment)
          : startFleet(makeAdapter, { ...work.fleet, namespace }, handler);
      processors = started.processors;
      return started.stop;
    },
    async unfinished() {
      const running = processors.reduce((sum, processor) => sum + processor.running, 0);
      return running > 0 ? running : Number((await asked.getNextWakeInMs()) === 0);
    },
    close: () => adapter.close(),
  };
}

function startWorker(fragment: ReturnType<typeof openFragment>) {
  const processor = processorOf(fragment);
  const dispatcher = createDurableHooksDispatcher({ processor, onError: fail });
  dispatcher.startPolling();
  return { processors: [processor], stop: () => dispatcher.stopPolling() };
}

/** Each worker has an adapter of its own, as in a process of its own. */
function startFleet(
  makeAdapter: MakeAdapter,
  { workers, slots, namespace }: Fleet & { readonly namespace: string },
  handler: WorkOptions["handler"],
) {
  const adapters = Array.from({ length: workers }, makeAdapter);
  const started = adapters.map((adapter) =>
    startWorker(openFragment(adapter, { namespace, durableHooks: { concurrency: slots } }, handler)),
  );
  const stop = async () => {
    await Promise.all(started.map((worker) => worker.stop()));
    await Promise.all(adapters.map((adapter) => adapter.close()));
  };
  return { processors: started.flatMap(({ processors }) => processors), stop };
}

function openFragment(
  databaseAdapter: DatabaseAdapter,
  options: { readonly namespace: string; readonly durableHooks: { readonly concurrency?: number } },
  handler: WorkOptions["handler"],
) {
  return instantiate(definition)
    .withConfig({ handler })
    .withOptions({ databaseAdapter, ...options, onError: fail })
    .build();
}

function processorOf(fragment: ReturnType<typeof openFragment>): DurableHooksProcessor {
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The fragment has no hooks.");
  return processor;
}

/** An error that Sherd would survive still spoils a measurement. */
function fail(error: unknown): void {
  console.error(error);
  process.exitCode = 1;
}
