import {
  createDurableHooksProcessor,
  type DatabaseAdapter,
  defineFragment,
  fixed,
  hook,
  type HookContext,
  type HookStatus,
  instantiate,
  migrate,
  type TriggerOptions,
} from "@sherd/core";
import { eventually } from "../eventually.ts";
import type { DispatcherUnderTest, RunningDispatcher } from "./dispatcher-under-test.ts";
import { WatchedProcessor } from "./watched-processor.ts";

type Run = (ctx: HookContext<Unit, null>) => Promise<void> | void;
interface Unit {
  triggerHook(name: "work", payload: null, options?: TriggerOptions): string;
}

export interface BenchOptions {
  readonly run?: Run;
  /** Default: a minute, which no test lasts. */
  readonly backstopMs?: number;
  readonly concurrency?: number;
}

/** One dispatcher, not yet started, with a fragment whose hook does what the test says. */
export interface Bench {
  readonly adapter: DatabaseAdapter;
  readonly queue: string;
  readonly processor: WatchedProcessor;
  /** What the dispatcher told of. */
  readonly errors: readonly unknown[];
  /** Commit a trigger; answers its id. */
  trigger(options?: TriggerOptions): Promise<string>;
  start(): Promise<void>;
  /** Does nothing when it was stopped or never started. */
  stop(options?: { readonly deadlineMs: number }): Promise<void>;
  status(id: string): Promise<{ readonly status: HookStatus; readonly attempts: number } | null>;
  /** Resolves when these have completed, which must be long before a backstop of a minute. */
  completed(...ids: readonly string[]): Promise<void>;
}

export type OpenBench = (options?: BenchOptions) => Promise<Bench>;

const patienceMs = 10_000;

const definition = defineFragment<{ readonly run: Run }>("bench")
  .withHooks(({ config }) => ({
    work: hook({
      retry: fixed({ delayMs: 200, maxAttempts: 3 }),
      run: (_payload, ctx) => config.run(ctx as unknown as HookContext<Unit, null>),
    }),
  }))
  .build();

export async function openBench(underTest: DispatcherUnderTest, options: BenchOptions): Promise<Bench> {
  const { run = () => {}, backstopMs = 60_000, concurrency = 100 } = options;
  const { adapter } = underTest;
  const fragment = instantiate(definition)
    .withConfig({ run })
    .withOptions({ databaseAdapter: adapter, durableHooks: { concurrency } })
    .build();
  await migrate(fragment);
  const real = createDurableHooksProcessor(fragment);
  if (real === null) throw new Error("The bench's fragment has a hook.");
  const processor = new WatchedProcessor(real);
  const errors: unknown[] = [];
  let running: RunningDispatcher | null = null;
  let stopped: Promise<void> | undefined;
  const status: Bench["status"] = (id) => fragment.hooks.get(id);
  return {
    adapter,
    queue: `hook/${fragment.namespace}`,
    processor,
    errors,
    trigger: (given) => fragment.transaction(async (uow) => uow.triggerHook("work", null, given)),
    async start() {
      running = await underTest.start({ processor, backstopMs, onError: (error) => errors.push(error) });
    },
    async stop(given = { deadlineMs: 0 }) {
      await (stopped ??= running?.stop(given));
    },
    status,
    async completed(...ids) {
      for (const id of ids) {
        await eventually(async () => (await status(id))?.status === "completed", { withinMs: patienceMs });
      }
    },
  };
}
