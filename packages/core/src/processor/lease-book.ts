import type { ClaimedItem } from "../kernel/item.ts";

/** The leases that a processor holds, and how many of their attempts have not been settled. */
export class LeaseBook {
  readonly #open = new Map<string, number>();
  readonly #unsettled = new Set<string>();
  #emptied: string[] = [];

  add(items: readonly ClaimedItem[]): void {
    for (const { lease } of items) this.#open.set(lease, (this.#open.get(lease) ?? 0) + 1);
  }

  /** Leases with attempts in flight. */
  open(): string[] {
    return [...this.#open.keys()];
  }

  /** One attempt of the lease was settled, in a transaction that has committed. */
  settled(lease: string): void {
    const left = (this.#open.get(lease) ?? 0) - 1;
    if (left > 0) {
      this.#open.set(lease, left);
    } else if (this.#open.delete(lease) && !this.#unsettled.delete(lease)) {
      this.#emptied.push(lease);
    }
  }

  /** One attempt of the lease ended and cannot be settled: the lease is left to expire, so that it counts as lost. */
  unsettled(lease: string): void {
    if (!this.#open.has(lease)) return;
    this.#unsettled.add(lease);
    this.settled(lease);
  }

  /** A lease that the database no longer has. */
  drop(lease: string): void {
    this.#open.delete(lease);
    this.#unsettled.delete(lease);
  }

  /**
   * Take the leases whose attempts have all been settled, to have them closed. Only now may they be: one that
   * is closed before its settle has committed would let another claim see its items as ready and free.
   */
  takeEmptied(): string[] {
    const taken = this.#emptied;
    this.#emptied = [];
    return taken;
  }

  putBack(emptied: readonly string[]): void {
    this.#emptied.push(...emptied);
  }
}
