import { setTimeout as delay } from "node:timers/promises";
import type { System } from "./system.ts";

export interface Sent {
  orders: number;
  /** Answered 201. */
  placed: number;
  /** Answered otherwise. */
  failed: number;
}

export const totalOrders = 200;
export const failingOrders = 20;
const senders = 4;
const pauseMs = 40;

/** Send all orders over HTTP, a few at a time, and count them in `sent`. */
export async function sendOrders(system: System, sent: Sent, signal: AbortSignal): Promise<void> {
  const send = async () => {
    while (sent.orders < totalOrders) {
      const status = await sendOrder(system, ++sent.orders, signal);
      if (status === 201) sent.placed += 1;
      else sent.failed += 1;
      await delay(pauseMs, undefined, { signal });
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
}

async function sendOrder(
  { serverUrl, receiverUrl }: System,
  number: number,
  signal: AbortSignal,
): Promise<number> {
  const isFailing = number % (totalOrders / failingOrders) === 0;
  const order = { customer: `customer-${number}`, amount: 100 * number, webhookUrl: receiverUrl };
  const response = await fetch(`${serverUrl}/${isFailing ? "failing-orders" : "orders"}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
    signal,
  });
  await response.body?.cancel();
  return response.status;
}
