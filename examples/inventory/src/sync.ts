/** The schedule, in a process of its own. `--once` ends it when every warehouse was read. SIGTERM ends it whenever you like. */
import { parseArgs } from "node:util";
import { migrate } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import type { LoggedRequest } from "./api/server.ts";
import { audit } from "./audit.ts";
import { openInventory } from "./inventory.ts";
import { note, Progress } from "./progress.ts";
import { dispatcherId, openWarehouses, syncWarehouses } from "./schedule.ts";
import { readSettings } from "./settings.ts";
import { isSound, resultLine, table } from "./summary.ts";

const { once: endsWithRound = false } = parseArgs({ options: { once: { type: "boolean" } } }).values;
const settings = readSettings();
const inventory = openInventory(settings.SQLITE_FILE);
await migrate(inventory);

const end = Promise.withResolvers<string>();
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => end.resolve(`${signal}: stopped.`));

const progress = new Progress();
const subjects = openWarehouses(inventory, settings, {
  onEvent(event) {
    progress.show(event);
    if (endsWithRound && ["discovered", "succeeded", "failed"].includes(event.type))
      endWithRound().catch(end.reject);
  },
  onError: (error, { during }) => note(`${during}: ${String(error)}`),
});
const dispatcher = createDurableHooksDispatcher({
  processor: syncWarehouses(subjects, inventory, settings),
  onError: (error) => note(`dispatcher: ${String(error)}`),
});
dispatcher.startPolling();
if (endsWithRound) await endWithRound();
const reason = await end.promise;
await dispatcher.stopPolling({ deadlineMs: settings.SHUTDOWN_MS });

const response = await fetch(`${settings.INVENTORY_API}/requests`);
const audited = await audit(inventory, subjects, (await response.json()) as LoggedRequest[]);
await inventory.databaseAdapter.close();
note(`${reason} ${audited.requests} requests were made for ${audited.pages} pages.`);
console.log(`\n${table(audited)}\n\n${resultLine(audited)}`);
process.exitCode = isSound(audited) ? 0 : 1;

/** A warehouse that was read, or is parked, is due with the next round: nobody knows yet when that is. */
async function endWithRound(): Promise<void> {
  const { subjects: all } = await subjects.listSubjects({ dispatcherId, limit: 1_000 });
  if (all.length > 0 && all.every(({ nextDueAt }) => nextDueAt === null)) end.resolve("The round is over.");
}
