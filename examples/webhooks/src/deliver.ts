import { NonRetryable, RetryAfter } from "@sherd/core";
import { sign } from "./signature.ts";

interface Delivery {
  readonly url: string;
  readonly body: string;
}

interface DeliveryOptions {
  readonly secret: string;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/**
 * POST one webhook, and say what a refusal means for the next attempt. The URL is a customer's: where your network has
 * addresses that nobody outside may reach, check it first.
 */
export async function deliver({ url, body }: Delivery, options: DeliveryOptions): Promise<void> {
  const { secret, idempotencyKey, signal } = options;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const response = await fetch(url, {
    method: "POST",
    body,
    signal,
    redirect: "manual",
    headers: {
      "content-type": "application/json",
      "idempotency-key": idempotencyKey,
      "webhook-timestamp": timestamp,
      "webhook-signature": sign({ idempotencyKey, timestamp, body }, secret),
    },
  });
  await response.body?.cancel();
  if (!response.ok) throw refusal(url, response);
}

function refusal(url: string, { status, headers }: Response): Error {
  const message = `${url} answered ${status}`;
  const seconds = Number(headers.get("retry-after"));
  if (status === 429 && seconds > 0) return new RetryAfter(Math.min(seconds, 3_600) * 1_000, message);
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isFinal ? new NonRetryable(message) : new Error(message);
}
