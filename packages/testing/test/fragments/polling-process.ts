/** A process in which nothing but its dispatcher is left to do, until the one hook that it waits for has run. */
import { createDurableHooksProcessor, defineFragment, hook, instantiate, migrate } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { sqliteAdapter } from "@sherd/sqlite";

const definition = defineFragment("alive")
  .withHooks(() => ({
    last: hook({
      run() {
        process.stdout.write("ran\n");
        void dispatcher.stopPolling().then(() => process.stdout.write("stopped\n"));
      },
    }),
  }))
  .build();
const fragment = instantiate(definition)
  .withOptions({ databaseAdapter: sqliteAdapter(":memory:") })
  .build();
await migrate(fragment);
const processor = createDurableHooksProcessor(fragment);
if (processor === null) throw new Error("The fragment has hooks, so it has a processor.");
const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: 60_000 });
dispatcher.startPolling();
await fragment.transaction(async (uow) => {
  uow.triggerHook("last", null, { processAt: new Date(Date.now() + 300) });
});
