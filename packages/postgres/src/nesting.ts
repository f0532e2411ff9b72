import { AsyncLocalStorage } from "node:async_hooks";
import { SherdError } from "@sherd/core";

/** Tells what runs inside an open transaction: with one connection in all, it would wait for itself. */
export class Nesting {
  readonly #context = new AsyncLocalStorage<{ isOpen: boolean }>();

  async inside<T>(body: () => Promise<T>): Promise<T> {
    // A context outlives its transaction where a callback carries it on; the mark says that it is outside again.
    const mark = { isOpen: true };
    try {
      return await this.#context.run(mark, body);
    } finally {
      mark.isOpen = false;
    }
  }

  /** Fails with `NESTED_TRANSACTION` when the caller awaits `verb` in an open transaction, but not on it. */
  refuse(verb: string): void {
    if (this.#context.getStore()?.isOpen !== true) return;
    throw new SherdError(
      "NESTED_TRANSACTION",
      `Cannot ${verb} inside an open transaction, but not on it: the database has one connection, which that ` +
        `transaction occupies, so both would wait for ever. Use the transaction at hand, or call it afterwards.`,
      {},
    );
  }
}
