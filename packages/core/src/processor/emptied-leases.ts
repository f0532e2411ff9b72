import type { FragmentInternals } from "../fragment/internals.ts";
import type { LeaseBook } from "./lease-book.ts";

/** Closes the leases that have nothing left to end, when no claim is about to do so. */
export class EmptiedLeases {
  readonly #fragment: FragmentInternals;
  readonly #leases: LeaseBook;
  #closing: Promise<void> = Promise.resolve();

  constructor(fragment: FragmentInternals, leases: LeaseBook) {
    this.#fragment = fragment;
    this.#leases = leases;
  }

  /** Resolves when those are closed whose turn was before, too. */
  close(): Promise<void> {
    const { adapter, report } = this.#fragment;
    this.#closing = this.#closing.then(async () => {
      const emptied = this.#leases.takeEmptied();
      if (emptied.length === 0) return;
      try {
        await adapter.storage.closeLeases(emptied);
      } catch (error) {
        this.#leases.putBack(emptied);
        report.error(error, "settle");
      }
    });
    return this.#closing;
  }
}
