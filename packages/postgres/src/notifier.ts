import type { Notifier, Transaction, WakeReason } from "@sherd/core";
import type { Sql } from "postgres";
import { PostgresTransaction } from "./postgres-transaction.ts";
import type { Executor } from "./executor.ts";
import { createListener } from "./listener.ts";
import { Subscribers } from "./subscribers.ts";

export interface ClosableNotifier extends Notifier {
  /** Send what is pending, stop listening. */
  close(): Promise<void>;
}

/**
 * The first hint of a burst goes out at once, those after it together: a NOTIFY of its own for each would cost a commit
 * each. While they go on, they wait for longer, since who is busy needs no waking.
 */
const coalesceMs = 5;
const longestCoalesceMs = 20;

/** A commit of the caller's own cannot be seen; a wake-up that comes before it is in vain. */
const commitGuessesMs = [5, 50, 500];

const channel = "sherd";

/** Nothing is written that a crash could lose, so the commit waits for no disk. One row, so that a payload that PostgreSQL refuses, for its length, fails the statement before any row is sent. */
const notifyAll = `select count(pg_notify($1::text, p.payload)) as sent,
  max(set_config('synchronous_commit', 'off', true)) as unwaited
from json_array_elements_text($2::text::json) as p(payload) where octet_length(p.payload) < 8000`;

/** `openListener` is null where the database is not to carry hints: they stay in this process. */
export function createNotifier(executor: Executor, openListener: (() => Sql) | null): ClosableNotifier {
  const subscribers = new Subscribers();
  const listener = openListener === null ? null : createListener(channel, subscribers, openListener);
  const pending = new Set<string>();
  let flushing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  // On a connection of the pool, outside every user's transaction: NOTIFY takes a lock on the whole server at commit.
  const flush = async () => {
    if (pending.size === 0) return;
    const payloads = JSON.stringify([...pending]);
    pending.clear();
    await executor.send("publish", "notify", notifyAll, [channel, payloads]).catch(() => {});
  };

  const flushNow = (quietMs = coalesceMs) => {
    flushing = flush();
    timer = setTimeout(() => {
      timer = undefined;
      if (pending.size > 0) flushNow(Math.min(quietMs * 2, longestCoalesceMs));
    }, quietMs);
  };

  return {
    publish(queue, reason) {
      subscribers.wake(queue, reason);
      if (listener === null) return;
      pending.add(payloadOf(queue, reason));
      if (timer === undefined) flushNow();
    },
    async publishOnCommit(tx: Transaction, queue: string) {
      for (const ms of commitGuessesMs) {
        const guess: unknown = setTimeout(() => subscribers.wake(queue, "work"), ms);
        // In a Worker it may be a number.
        (guess as { unref?: () => void }).unref?.();
      }
      if (listener === null || !(tx instanceof PostgresTransaction)) return;
      const payload = payloadOf(queue, "work");
      await executor.joined("publish", () =>
        executor.send(
          "publish",
          "notify",
          "select pg_notify($1::text, $2::text)",
          [channel, payload],
          tx.parts.session,
        ),
      );
    },
    async subscribe(queue, wake, onError) {
      const remove = subscribers.add(queue, { wake, onError });
      await listener?.start();
      return async () => {
        remove();
        if (subscribers.size === 0) await listener?.stop();
      };
    },
    async close() {
      clearTimeout(timer);
      await flushing;
      await flush();
      subscribers.clear();
      await listener?.stop();
    },
  };
}

export function payloadOf(queue: string, reason: WakeReason): string {
  return `${reason}:${queue}`;
}
