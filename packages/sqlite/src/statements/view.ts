import type { AttemptError, ItemView } from "@sherd/core";
import { ownerOfItem } from "./held.ts";

/** What an `ItemView` is read from, of `sherd_item i` or `sherd_history i`; the last two place it in a list. */
export const itemColumns = `
  i.id, i.queue, i.name, i.key, i.state, i.outcome, ${ownerOfItem}, i.cancel, i.priority, i.concurrency_key, i.at,
  i.attempts, i.failures, i.lost, i.max_attempts, i.errors, i.body, i.trace, i.created_at, i.seq`;

export const historyColumns = `
  i.id, i.queue, i.name, i.key, 'done', i.outcome, NULL, 0, i.priority, i.concurrency_key, i.finished_at,
  i.attempts, i.failures, i.lost, i.max_attempts, i.errors, i.body, i.trace, i.created_at, NULL`;

export type ViewRow = readonly [
  id: string,
  queue: string,
  name: string,
  key: string | null,
  state: ItemView["state"],
  outcome: ItemView["outcome"],
  owner: string | null,
  cancel: number,
  priority: number,
  concurrencyKey: string | null,
  at: number | null,
  attempts: number,
  failures: number,
  lost: number,
  maxAttempts: number,
  errors: string | null,
  body: string,
  trace: string | null,
  createdAt: number,
  seq: number | null,
];

export function toView(row: ViewRow): ItemView {
  const [id, queue, name, key, state, outcome, owner, cancel, priority, concurrencyKey, at, ...rest] = row;
  const [attempts, failures, lost, maxAttempts, errors, body, trace, createdAt] = rest;
  // A failed item may still be listed by the lease under which it ended.
  const held = owner !== null && state !== "done";
  return {
    id,
    queue,
    name,
    key,
    state,
    outcome,
    held,
    owner: held ? owner : null,
    cancelRequested: cancel === 1,
    priority,
    concurrencyKey,
    dueAt: state === "timed" && !held ? at : null,
    attempts,
    failures,
    lost,
    maxAttempts,
    errors: errors === null ? [] : (JSON.parse(errors) as AttemptError[]),
    body,
    trace,
    createdAt,
    finishedAt: state === "done" ? at : null,
  };
}
