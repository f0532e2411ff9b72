/** A customer's endpoint on a bad day. It keeps what it really got, and the demo counts that. */
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { isSignedBy } from "../signature.ts";
import { type Answer, flakyAnswer } from "./flakiness.ts";

/** One request with a valid signature. */
export interface Arrival {
  readonly orderId: string;
  readonly customer: string;
  readonly idempotencyKey: string;
  /** 1 for the first with this key. */
  readonly attempt: number;
  readonly answer: Answer;
}

export class Receiver extends EventEmitter<{ arrival: [Arrival] }> {
  readonly #secret: string;
  readonly #server = createServer((request, response) => void this.#receive(request, response));
  readonly #attempts = new Map<string, { readonly webhook: number; attempt: number }>();
  readonly arrivals: Arrival[] = [];
  /** What it took in, also when its answer reached nobody. */
  readonly accepted: Arrival[] = [];
  /** Requests whose signature was wrong. */
  forged = 0;
  /** Requests that wait for their answer. */
  open = 0;

  constructor(secret: string) {
    super();
    this.#secret = secret;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open += 1;
    response.once("close", () => (this.open -= 1));
    const body = await text(request).catch(() => null);
    // The worker died while it was sending.
    if (body === null) return;
    const header = (name: string) => String(request.headers[name] ?? "");
    const idempotencyKey = header("idempotency-key");
    const signed = { idempotencyKey, timestamp: header("webhook-timestamp"), body };
    if (!isSignedBy(this.#secret, signed, header("webhook-signature"))) {
      this.forged += 1;
      return void response.writeHead(401).end();
    }
    const known = this.#attempts.get(idempotencyKey) ?? { webhook: this.#attempts.size + 1, attempt: 0 };
    const attempt = ++known.attempt;
    this.#attempts.set(idempotencyKey, known);
    const { answer, delayMs } = flakyAnswer(known.webhook, attempt);
    const { id: orderId, customer } = JSON.parse(body).order;
    const arrival = { orderId, customer, idempotencyKey, attempt, answer };
    this.arrivals.push(arrival);
    this.emit("arrival", arrival);
    await delay(delayMs);
    if (answer === "accept" || answer === "drop") this.accepted.push(arrival);
    send(response, answer);
  }
}

function send(response: ServerResponse, answer: Answer): void {
  if (answer === "accept") response.writeHead(200).end();
  if (answer === "error") response.writeHead(500).end();
  if (answer === "busy") response.writeHead(429, { "retry-after": "1" }).end();
  if (answer === "drop") response.socket?.destroy();
}
