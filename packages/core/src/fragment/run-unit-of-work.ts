import type { Transaction } from "../adapter/adapter.ts";
import { isSherdError } from "../errors.ts";
import type { FragmentInternals } from "./internals.ts";
import { UnitOfWorkScope } from "./unit-of-work-scope.ts";

type Unit = ReturnType<UnitOfWorkScope["unitFor"]>;

/** Run `work` in a transaction of its own; once it has committed, wake the processors. */
export async function runUnitOfWork<T>(
  fragment: FragmentInternals,
  work: (uow: Unit) => Promise<T>,
): Promise<T> {
  await fragment.ready();
  return runTransaction(fragment, async (scope) => {
    const answer = await work(scope.unitFor(fragment));
    await scope.flush();
    return answer;
  });
}

/** Run `work`, which flushes its scope itself, in a transaction; once it has committed, wake the processors. */
export async function runTransaction<T>(
  { adapter }: FragmentInternals,
  work: (scope: UnitOfWorkScope, tx: Transaction) => Promise<T>,
): Promise<T> {
  let scope: UnitOfWorkScope | null = null;
  try {
    const answer = await adapter.transaction(async (tx) => {
      const opened = new UnitOfWorkScope(tx, adapter);
      scope = opened;
      try {
        return await work(opened, tx);
      } finally {
        opened.end();
      }
    });
    ended(scope)?.committed();
    return answer;
  } catch (error) {
    if (isSherdError(error) && error.retryable) ended(scope)?.unclear();
    throw error;
  }
}

/** What a callback has assigned in the meantime, which the compiler cannot see. */
function ended(scope: UnitOfWorkScope | null): UnitOfWorkScope | null {
  return scope;
}

/** Run `work` inside a drizzle transaction that the caller ends. */
export async function runWithin<T>(
  fragment: FragmentInternals,
  drizzleTransaction: object,
  work: (uow: Unit) => Promise<T>,
): Promise<T> {
  const scope = new UnitOfWorkScope(fragment.adapter.join(drizzleTransaction), fragment.adapter);
  try {
    const answer = await work(scope.unitFor(fragment));
    await scope.flush();
    await scope.handedOver();
    return answer;
  } finally {
    scope.end();
  }
}
