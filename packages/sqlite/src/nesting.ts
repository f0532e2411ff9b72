import { SherdError } from "@sherd/core";

/**
 * Knows whether code runs inside a transaction that is still open. Waiting there for the mutex, which that
 * transaction holds, would never end.
 */
export interface Nesting {
  /** False when `isInside` cannot tell: then nobody waits for the mutex for ever. */
  readonly isTold: boolean;
  /** Run `body` as the inside of a transaction, until it settles. */
  inside<T>(body: () => Promise<T>): Promise<T>;
  isInside(): boolean;
  /** `callback`, to run outside of whatever transaction is open where it is called. */
  detach<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void;
}

/** The nesting of a host without an async context. */
export const untoldNesting: Nesting = {
  isTold: false,
  inside: (body) => body(),
  isInside: () => false,
  detach: (callback) => callback,
};

export function nestedTransaction(verb: string): SherdError<"NESTED_TRANSACTION"> {
  return new SherdError(
    "NESTED_TRANSACTION",
    `Cannot run ${verb}: a transaction of this adapter is open in the same call, SQLite has one writer, and waiting for ` +
      `that transaction from inside it would never end. Use the open one: \`uow.use(fragment)\` for another fragment's ` +
      `services, \`fragment.within(tx)\` for a drizzle transaction, or make the call after the transaction.`,
    {},
  );
}
