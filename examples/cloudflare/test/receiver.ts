import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A customer's endpoint, on a port of this machine. */
export class Receiver implements AsyncDisposable {
  /** The orders that it was told of, once for each attempt. */
  readonly orders: string[] = [];
  /** True while it answers nobody. */
  isHanging = false;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const { order } = (await json(request)) as { readonly order: { readonly id: string } };
      this.orders.push(order.id);
      if (!this.isHanging) response.end();
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await once(receiver.#server.listen(0, "127.0.0.1"), "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
