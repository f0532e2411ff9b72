import { defineFragment, exponential, hook } from "@sherd/core";
import { eq } from "drizzle-orm";
import { Hono } from "hono";
import { z } from "zod";
import { deliver } from "./deliver.ts";
import { migrations } from "./migrations/index.ts";

export interface WebhooksConfig {
  readonly secret: string;
  readonly timeoutMs: number;
  readonly retryDelayMs: number;
}

const httpUrl = z.url({ protocol: /^https?$/ });

export const newOrder = z.object({
  customer: z.string().min(1),
  /** In cents. */
  amount: z.int().positive(),
  webhookUrl: httpUrl,
});

/** Takes orders, and tells each customer's endpoint of them by a signed webhook. */
export const webhooks = defineFragment<WebhooksConfig>("webhooks")
  .withTables(
    (t) => ({
      order: t.table("order", {
        id: t.id(),
        customer: t.text("customer").notNull(),
        amount: t.integer("amount").notNull(),
        webhookUrl: t.text("webhook_url").notNull(),
        createdAt: t
          .timestamp("created_at")
          .notNull()
          .$defaultFn(() => new Date()),
      }),
    }),
    { migrations },
  )
  .withHooks(({ config }) => ({
    deliver: hook({
      input: z.object({ url: httpUrl, body: z.string() }),
      retry: exponential({ initialDelayMs: config.retryDelayMs, maxAttempts: 20 }),
      timeoutMs: config.timeoutMs,
      run: (delivery, { idempotencyKey, signal }) =>
        deliver(delivery, { secret: config.secret, idempotencyKey, signal }),
    }),
  }))
  .withServices(() => ({
    /** The order and its webhook: one transaction, so both or neither. */
    async placeOrder(uow, input: z.infer<typeof newOrder>) {
      const [order] = await uow.db.insert(uow.tables.order).values(input).returning();
      const body = JSON.stringify({ type: "order.placed", order });
      uow.triggerHook("deliver", { url: input.webhookUrl, body });
      return order;
    },
    async findOrder(uow, id: string) {
      const { order } = uow.tables;
      const [found] = await uow.db.select().from(order).where(eq(order.id, id));
      return found;
    },
  }))
  .withRoutes(({ services }) =>
    new Hono()
      .post("/orders", async (c) => {
        const order = newOrder.safeParse(await c.req.json().catch(() => null));
        if (!order.success) return c.json({ error: z.prettifyError(order.error) }, 400);
        return c.json(await services.placeOrder(order.data), 201);
      })
      .get("/orders/:id{[0-9a-f-]{36}}", async (c) => {
        const order = await services.findOrder(c.req.param("id"));
        return order ? c.json(order) : c.json({ error: "There is no such order." }, 404);
      }),
  )
  .build();
