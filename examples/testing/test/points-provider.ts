import type { PointsProvider } from "../src/loyalty.ts";

/** A provider as good ones are: a call whose key it has seen before changes nothing. */
export class FakeProvider implements PointsProvider {
  readonly #balances = new Map<string, number>();
  readonly #seen = new Set<string>();

  /** How many further calls it answers with an error. */
  failures = 0;

  credit: PointsProvider["credit"] = async (
    { customer, points },
    { idempotencyKey } = { idempotencyKey: "" },
  ) => {
    if (this.failures-- > 0) throw new Error("The provider is down.");
    if (idempotencyKey !== "" && this.#seen.has(idempotencyKey)) return;
    this.#seen.add(idempotencyKey);
    this.#balances.set(customer, this.balanceOf(customer) + points);
  };

  balanceOf(customer: string): number {
    return this.#balances.get(customer) ?? 0;
  }
}
