import { NonRetryable, RetryAfter } from "@sherd/core";
import { z } from "zod";

const listing = z.array(z.object({ id: z.string(), city: z.string() }));

const stockPage = z.object({
  page: z.int(),
  /** How many the warehouse has. */
  pages: z.int(),
  /** The number under which the API logged the request. */
  request: z.int(),
  lines: z.array(z.object({ sku: z.string(), quantity: z.int() })),
});

export type StockPage = z.infer<typeof stockPage>;

/** Reads the API. What it throws says when to try again; it never tries again by itself. */
export class WarehouseApi {
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor(url: string, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  async warehouses(signal: AbortSignal): Promise<z.infer<typeof listing>> {
    return listing.parse(await this.#get("/warehouses", signal));
  }

  async readPage(warehouse: string, page: number, signal: AbortSignal): Promise<StockPage> {
    return stockPage.parse(await this.#get(`/warehouses/${warehouse}/stock?page=${page}`, signal));
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const limit = AbortSignal.timeout(this.#timeoutMs);
    const response = await fetch(this.#url + path, { signal: AbortSignal.any([signal, limit]) });
    if (response.ok) return response.json();
    await response.body?.cancel();
    throw refusal(`${path} answered ${response.status}`, response);
  }
}

function refusal(message: string, { status, headers }: Response): Error {
  const seconds = Number(headers.get("retry-after"));
  if (status === 429 && seconds > 0) return new RetryAfter(Math.min(seconds, 3_600) * 1_000, message);
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isFinal ? new NonRetryable(message) : new Error(message);
}
