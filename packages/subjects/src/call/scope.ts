import type { Transaction } from "@sherd/core";
import type { SubjectInternals } from "../internals.ts";

/** Where calls take effect, and how those who run what becomes due hear of it. */
export interface CallScope {
  /**
   * Run a verb on a queue. `dueInMs` says in how many milliseconds something is due after it, null when nothing is that was
   * not before.
   */
  run<T>(
    queue: string,
    verb: (tx: Transaction | undefined) => Promise<T>,
    dueInMs?: number | null,
  ): Promise<T>;
}

/** Each call in a transaction of its own. */
export function ownScope({ adapter, triggering, ready }: SubjectInternals): CallScope {
  return {
    async run(queue, verb, dueInMs = null) {
      await ready();
      if (dueInMs === null) return verb(undefined);
      const tellers = triggering.get(queue);
      const answer =
        tellers === undefined || tellers.size === 0
          ? await verb(undefined)
          : await adapter.transaction(async (tx) => {
              const answered = await verb(tx);
              for (const tell of tellers) await tell(dueInMs);
              return answered;
            });
      adapter.notifier.publish(queue, "work");
      return answer;
    },
  };
}

/**
 * Calls in a transaction that somebody else ends; `wake` sees to it that wake-ups follow its commit. Whether the database is
 * migrated is not asked here: the connection that would tell may be the one that the transaction holds.
 */
export function transactionScope(
  { triggering }: SubjectInternals,
  tx: Transaction,
  wake: (queue: string) => Promise<void>,
): CallScope {
  return {
    async run(queue, verb, dueInMs = null) {
      const answer = await verb(tx);
      if (dueInMs === null) return answer;
      for (const tell of triggering.get(queue) ?? []) await tell(dueInMs);
      await wake(queue);
      return answer;
    },
  };
}
