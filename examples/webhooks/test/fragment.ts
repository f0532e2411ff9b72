import { createDurableHooksProcessor, migrate } from "@sherd/core";
import { openWebhooks, type Webhooks } from "../src/app.ts";
import { readSettings } from "../src/settings.ts";

export const secret = "between us";

export interface OpenFragment extends AsyncDisposable {
  readonly fragment: Webhooks;
  /** GET, or POST where there is a body. */
  request(path: string, body?: unknown): Promise<Response>;
  placeOrder(webhookUrl: string): Promise<void>;
  /** Run the hooks that are due. Retries are due a minute later. */
  runHooks(): Promise<void>;
}

/** The example's fragment in this process, on an empty database in memory. */
export async function openFragment(): Promise<OpenFragment> {
  const env = { SQLITE_FILE: ":memory:", WEBHOOK_SECRET: secret, WEBHOOK_RETRY_MS: "60000" };
  const fragment = openWebhooks(readSettings(env));
  await migrate(fragment);
  return {
    fragment,
    request(path, body) {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      return fragment.handler(new Request(`http://localhost${path}`, init));
    },
    async placeOrder(webhookUrl) {
      await fragment.services.placeOrder({ customer: "you", amount: 4200, webhookUrl });
    },
    async runHooks() {
      await createDurableHooksProcessor(fragment)?.processDue();
    },
    [Symbol.asyncDispose]: () => fragment.databaseAdapter.close(),
  };
}
