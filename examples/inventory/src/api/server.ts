/** The warehouses' API on a bad day. It logs who asked for what, and the audit counts with that. */
import { EventEmitter, once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { linesOf, warehouses } from "./catalogue.ts";
import { flakyAnswer } from "./flakiness.ts";

/** A request for one page of a warehouse. */
export interface LoggedRequest {
  /** 1 for the first that arrived. */
  readonly id: number;
  readonly warehouse: string;
  readonly page: number;
}

/** Longer than a client waits. */
const hangMs = 1_500;

export class ApiServer extends EventEmitter<{ request: [LoggedRequest] }> {
  /** Every request for a page, also of those that got no page. */
  readonly log: LoggedRequest[] = [];
  readonly #attempts = new Map<string, number>();
  readonly #server = createAdaptorServer({ fetch: this.#routes().fetch }) as Server;

  async listen(port = 0): Promise<string> {
    await once(this.#server.listen(port, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #routes(): Hono {
    return new Hono()
      .get("/requests", (c) => c.json(this.log))
      .get("/warehouses", async (c) => {
        const refusal = await this.#refusal("warehouses");
        return refusal ?? c.json(warehouses.map(({ id, city }) => ({ id, city })));
      })
      .get("/warehouses/:id/stock", async (c) => {
        const page = Number(c.req.query("page"));
        const warehouse = warehouses.find(({ id }) => id === c.req.param("id"));
        if (warehouse === undefined || !(page >= 1 && page <= warehouse.pages)) return c.notFound();
        const request = { id: this.log.length + 1, warehouse: warehouse.id, page };
        this.log.push(request);
        this.emit("request", request);
        const refusal = await this.#refusal(`${warehouse.id}/${page}`);
        if (refusal !== null) return refusal;
        const { pages } = warehouse;
        return c.json({ page, pages, request: request.id, lines: linesOf(warehouse, page) });
      });
  }

  /** Null when the request is answered. */
  async #refusal(resource: string): Promise<Response | null> {
    const attempt = (this.#attempts.get(resource) ?? 0) + 1;
    this.#attempts.set(resource, attempt);
    const { answer, delayMs } = flakyAnswer(resource, attempt);
    await delay(answer === "hang" ? hangMs : delayMs);
    if (answer === "busy") return new Response(null, { status: 429, headers: { "retry-after": "1" } });
    return answer === "error" ? new Response(null, { status: 500 }) : null;
  }
}
