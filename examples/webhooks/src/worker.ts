/** Runs the hooks in a process of its own, as many of them as you like. `node src/worker.ts` */
import { migrate } from "@sherd/core";
import { onShutdown, openWebhooks, startDispatcher } from "./app.ts";
import { readSettings } from "./settings.ts";

const fragment = openWebhooks(readSettings());
await migrate(fragment);
const dispatcher = startDispatcher(fragment);

onShutdown(async () => {
  await dispatcher.stopPolling();
  await fragment.databaseAdapter.close();
});
