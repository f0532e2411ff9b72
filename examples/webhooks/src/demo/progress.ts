import { styleText } from "node:util";
import type { Receiver } from "./receiver.ts";
import { failingOrders, type Sent, totalOrders } from "./send-orders.ts";

const barWidth = 24;
const expected = totalOrders - failingOrders;

/** Shows how far it is: one line that moves on a terminal, one line a second elsewhere. */
export class Progress {
  readonly #receiver: Receiver;
  readonly #sent: Sent;
  readonly #timer: NodeJS.Timeout;
  readonly #isLive = process.stdout.isTTY;

  constructor(receiver: Receiver, sent: Sent) {
    this.#receiver = receiver;
    this.#sent = sent;
    this.#timer = setInterval(() => this.#show(), this.#isLive ? 80 : 1_000);
  }

  /** Say what happened, in a line that stays. */
  note(text: string): void {
    this.#clear();
    console.log(`${styleText("yellow", "▸")} ${text}`);
    if (this.#isLive) this.#show();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #show(): void {
    const { arrivals, accepted } = this.#receiver;
    const delivered = new Set(accepted.map(({ orderId }) => orderId)).size;
    const retries = arrivals.filter(({ attempt }) => attempt > 1).length;
    const sent = `${this.#sent.orders}/${totalOrders} sent`;
    const numbers = `${sent} · ${delivered}/${expected} delivered · ${retries} retries`;
    this.#clear();
    if (!this.#isLive) return console.log(`  ${numbers}`);
    const filled = Math.round((barWidth * Math.min(delivered, expected)) / expected);
    const bar = styleText("green", "█".repeat(filled)) + styleText("dim", "░".repeat(barWidth - filled));
    process.stdout.write(`  ${bar} ${numbers}`);
  }

  #clear(): void {
    if (this.#isLive) process.stdout.write("\r\x1b[K");
  }
}
