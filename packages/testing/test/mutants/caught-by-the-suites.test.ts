/** Mutants that the simulator's one store cannot show, or that cost only time: the conformance suites catch them. */
import type { DatabaseAdapter, DurableHooksProcessor, Storage } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { expect, inject, it, onTestFinished } from "vitest";
import { queueUnderTest } from "../../src/adapter/queue-under-test.ts";
import { hold } from "../../src/adapter/rings/hold.ts";
import { settle } from "../../src/adapter/rings/settle.ts";
import { openBench } from "../../src/dispatcher/bench.ts";
import { waking } from "../../src/dispatcher/rings/waking.ts";

function withStorage(adapter: DatabaseAdapter, verbs: Partial<Storage>): DatabaseAdapter {
  return { ...adapter, storage: { ...adapter.storage, ...verbs } };
}

async function queueOver(adapters: readonly [DatabaseAdapter, DatabaseAdapter, DatabaseAdapter]) {
  const [adapter] = adapters;
  await adapter.migrator.apply([adapter.migrator.kernel]);
  const underTest = { adapter, close: async () => {} };
  return queueUnderTest({ underTest, adapters, inEmpty: (work) => work(underTest) });
}

it("a batch that is settled all or nothing is caught by “a stale outcome harms none of its batch”", async () => {
  const adapter = sqliteAdapter(":memory:");
  onTestFinished(() => adapter.close());
  const mutant = withStorage(adapter, {
    async settle(queue, outcomes) {
      try {
        return await adapter.transaction(async (tx) => {
          const settled = await adapter.storage.settle(queue, outcomes, tx);
          if (settled.some(({ result }) => result === "lost")) throw new Error("all or nothing");
          return settled;
        });
      } catch {
        return outcomes.map(({ id }) => ({ id, result: "lost" as const }));
      }
    },
  });
  const name = "a stale outcome harms none of its batch, and answers come in the order of the outcomes";
  await settle[name]?.(await queueOver([adapter, adapter, adapter]));
  await expect(settle[name]?.(await queueOver([mutant, mutant, mutant]))).rejects.toThrow();
});

it("a sweep that passes an open ctx.transaction is caught by “a sweep does not pass an open hold”", async () => {
  const open = () => {
    const adapter = postgresAdapter(inject("postgresUrl"), { listen: false });
    onTestFinished(() => adapter.close());
    return adapter;
  };
  const [first, second, third] = [open(), open(), open()];
  // It looks without locking.
  const mutant = withStorage(first, { hold: async () => "held" });
  const name = "a sweep does not pass an open hold";
  await hold[name]?.(await queueOver([first, second, third]));
  await expect(hold[name]?.(await queueOver([mutant, second, third]))).rejects.toThrow();
});

/** Forgets every wake-up that comes while it looks, also after the look has seen what was there. */
function forgetful(processor: DurableHooksProcessor): DurableHooksProcessor {
  let looks = 0;
  const looking = async <T>(look: Promise<T>): Promise<T> => {
    looks += 1;
    return look.finally(() => (looks -= 1));
  };
  return {
    ...processor,
    namespace: processor.namespace,
    concurrency: processor.concurrency,
    get running() {
      return processor.running;
    },
    wake: (options) => looking(processor.wake(options)),
    getNextWakeInMs: () => looking(processor.getNextWakeInMs()),
    getNextWakeAt: () => processor.getNextWakeAt(),
    processDue: (options) => processor.processDue(options),
    idle: () => processor.idle(),
    stop: (options) => processor.stop(options),
    subscribe: (listener) =>
      processor.subscribe({
        onWake: () => {
          if (looks === 0) listener.onWake();
        },
        onDueIn: (delayMs) => listener.onDueIn(delayMs),
        onError: (error) => listener.onError(error),
      }),
  };
}

it("a wake-up lost between sweep and park is caught by “a commit that comes when it is about to sleep…”", async () => {
  const open = (alter: (processor: DurableHooksProcessor) => DurableHooksProcessor) => async () => {
    const adapter = sqliteAdapter(":memory:");
    const bench = await openBench(
      {
        adapter,
        start({ processor, backstopMs, onError }) {
          const options = { processor: alter(processor), pollIntervalMs: backstopMs, onError };
          const dispatcher = createDurableHooksDispatcher(options);
          dispatcher.startPolling();
          return { stop: (given) => dispatcher.stopPolling(given) };
        },
        close: () => adapter.close(),
      },
      {},
    );
    onTestFinished(async () => {
      await bench.stop();
      await adapter.close();
    });
    return bench;
  };
  const name = "a commit that comes when it is about to sleep is not forgotten";
  await waking[name]?.(open((processor) => processor));
  await expect(waking[name]?.(open(forgetful))).rejects.toThrow();
}, 30_000);
