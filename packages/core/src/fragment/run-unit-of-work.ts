import type { FragmentInternals } from "./internals.ts";
import { UnitOfWorkScope } from "./unit-of-work-scope.ts";

type Unit = ReturnType<UnitOfWorkScope["unitFor"]>;

/** Run `work` in a transaction of its own; once it has committed, wake the processors. */
export async function runUnitOfWork<T>(
  fragment: FragmentInternals,
  work: (uow: Unit) => Promise<T>,
): Promise<T> {
  const { adapter } = fragment;
  await fragment.ready();
  let queues: readonly string[] = [];
  const result = await adapter.transaction(async (tx) => {
    const scope = new UnitOfWorkScope(tx, adapter);
    try {
      const answer = await work(scope.unitFor(fragment));
      queues = await scope.flush();
      return answer;
    } finally {
      scope.end();
    }
  });
  for (const queue of queues) adapter.notifier.publish(queue, "work");
  return result;
}

/** Run `work` inside a drizzle transaction that the caller ends. */
export async function runWithin<T>(
  fragment: FragmentInternals,
  drizzleTransaction: object,
  work: (uow: Unit) => Promise<T>,
): Promise<T> {
  const { adapter } = fragment;
  const tx = adapter.join(drizzleTransaction);
  const scope = new UnitOfWorkScope(tx, adapter);
  try {
    const answer = await work(scope.unitFor(fragment));
    for (const queue of await scope.flush()) await adapter.notifier.publishOnCommit(tx, queue);
    return answer;
  } finally {
    scope.end();
  }
}
