import type { Transaction } from "../adapter/adapter.ts";
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
  const [answer, scope] = await adapter.transaction(async (tx) => {
    const opened = new UnitOfWorkScope(tx, adapter);
    try {
      return [await work(opened, tx), opened] as const;
    } finally {
      opened.end();
    }
  });
  scope.committed();
  return answer;
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
