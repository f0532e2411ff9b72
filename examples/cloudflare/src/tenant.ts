import { instantiate } from "@sherd/core";
import { FragmentDurableObject } from "@sherd/dispatcher-cloudflare-do";
import { webhooks } from "@sherd/example-webhooks";
import { durableObjectAdapter } from "@sherd/sqlite/durable-object";

/** One tenant: the fragment of examples/webhooks as it is, in the object's own SQLite, its hooks run by the object's alarm. */
export class Tenant extends FragmentDurableObject {
  readonly webhooks = this.use(
    instantiate(webhooks)
      .withConfig({ secret: this.env.WEBHOOK_SECRET, timeoutMs: 10_000, retryDelayMs: 1_000 })
      .withOptions({ databaseAdapter: durableObjectAdapter(this.ctx.storage), mountRoute: "/" })
      .build(),
  );
}
