/**
 * A worker process as users run them: it opens the database, polls, and drains on SIGTERM. It says `ready` to its
 * parent once it polls.
 */
import { createDurableHooksProcessor, type Fragment, instantiate, migrate } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { openAdapter } from "../../../../tooling/open-adapter.ts";
import { newerRelease, olderRelease, type Run } from "./release.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** What both releases have. */
type Recording = Readonly<Record<"record", (uow: never, run: Run) => Promise<void>>>;

const options = JSON.parse(process.argv[2] ?? "{}") as WorkerOptions;
const databaseAdapter = openAdapter(options.location);
const fragments = options.namespaces.map((namespace) => {
  const durableHooks = { ...options.durableHooks, owner: `pid ${process.pid}` };
  const config = { record: (run: Run) => fragment.services.record(run) };
  const given = { databaseAdapter, namespace, durableHooks };
  const fragment: Fragment<unknown, unknown, Recording> =
    options.release === "older"
      ? instantiate(olderRelease).withConfig(config).withOptions(given).build()
      : instantiate(newerRelease).withConfig(config).withOptions(given).build();
  return fragment;
});
await migrate(...fragments);
const dispatcher = createDurableHooksDispatcher({
  processors: fragments.flatMap((fragment) => createDurableHooksProcessor(fragment) ?? []),
  pollIntervalMs: options.pollIntervalMs ?? 200,
});
dispatcher.startPolling();
process.once("SIGTERM", async () => {
  await dispatcher.stopPolling({ deadlineMs: options.stopDeadlineMs ?? 0 });
  await databaseAdapter.close();
  process.disconnect();
});
process.send?.("ready");
