import { vi } from "vitest";

const customers = new Map<string, Customer>();

/** A customer's endpoint. It stands where the network would be, and takes what the Worker sends to its URL. */
export class Customer {
  readonly url = `https://${crypto.randomUUID()}.example/`;
  /** The orders that it was told of. */
  readonly orders: string[] = [];

  constructor() {
    customers.set(this.url, this);
  }
}

vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
  const customer = customers.get(String(input));
  if (customer === undefined) return new Response(null, { status: 404 });
  const { order } = JSON.parse(String(init?.body)) as { readonly order: { readonly id: string } };
  customer.orders.push(order.id);
  return new Response();
});
