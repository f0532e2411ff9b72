import { createDurableHooksProcessor, instantiate } from "@sherd/core";
import { createDurableHooksDispatcher, type DurableHooksDispatcher } from "@sherd/dispatcher-node";
import { openDatabase } from "./database.ts";
import type { Settings } from "./settings.ts";
import { webhooks } from "./webhooks.ts";

export type Webhooks = ReturnType<typeof openWebhooks>;

/** The fragment as every process of this application has it. */
export function openWebhooks(settings: Settings) {
  return instantiate(webhooks)
    .withConfig({
      secret: settings.WEBHOOK_SECRET,
      timeoutMs: settings.WEBHOOK_TIMEOUT_MS,
      retryDelayMs: settings.WEBHOOK_RETRY_MS,
    })
    .withOptions({
      databaseAdapter: openDatabase(settings),
      mountRoute: "/",
      durableHooks: { leaseMs: settings.LEASE_MS },
      onError: (error, { during }) => console.error(`${during}:`, error),
    })
    .build();
}

/** Run the fragment's hooks in this process. */
export function startDispatcher(fragment: Webhooks): DurableHooksDispatcher {
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The fragment has no hooks.");
  const dispatcher = createDurableHooksDispatcher({
    processor,
    onError: (error) => console.error("dispatcher:", error),
  });
  dispatcher.startPolling();
  return dispatcher;
}

/** Run `stop` at SIGTERM or Ctrl-C, once. The process ends by itself when nothing is left to do. */
export function onShutdown(stop: () => Promise<void>): void {
  let stopping: Promise<void> | null = null;
  const begin = () => {
    stopping ??= stop();
  };
  process.on("SIGTERM", begin).on("SIGINT", begin);
}
