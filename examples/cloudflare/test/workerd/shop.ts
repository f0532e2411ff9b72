import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import type { Tenant } from "../../src/tenant.ts";

/** One tenant of the Worker, as its users see it, and from the inside. */
export class Shop {
  readonly name = crypto.randomUUID();
  readonly #object = env.TENANT.getByName(this.name);

  /** Answers the order's id. */
  async order(webhookUrl: string): Promise<string> {
    const body = JSON.stringify({ customer: "you", amount: 4200, webhookUrl });
    const answer = await this.request("/orders", { method: "POST", body });
    if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
    return (await answer.json<{ readonly id: string }>()).id;
  }

  /** The same, but the alarm that the order sets is lost. */
  async orderWithoutAlarm(webhookUrl: string): Promise<string> {
    await this.inside(async (_, { storage }) => void vi.spyOn(storage, "setAlarm").mockResolvedValue());
    const id = await this.order(webhookUrl);
    await this.inside(async (_, { storage }) => void vi.mocked(storage.setAlarm).mockRestore());
    return id;
  }

  request(path: string, init?: RequestInit): Promise<Response> {
    return exports.default.fetch(`http://localhost/tenants/${this.name}${path}`, init);
  }

  alarm(): Promise<number | null> {
    return this.inside((_, { storage }) => storage.getAlarm());
  }

  count() {
    return this.inside((tenant) => tenant.webhooks.hooks.count());
  }

  inside<T>(work: (tenant: Tenant, state: DurableObjectState) => Promise<T>): Promise<T> {
    return runInDurableObject(this.#object, work);
  }
}
