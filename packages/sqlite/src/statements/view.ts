import type { AttemptError, ItemView } from "@sherd/core";
import { holderOfItem } from "./held.ts";

/** What an `ItemView` is read from, of `sherd_item i`; the last places it in a list. */
export const itemColumns = `
  i.id, i.queue, i.name, i.key, i.state, i.outcome, ${holderOfItem}, i.cancel, i.priority, i.concurrency_key, i.at,
  i.attempts, i.failures, i.lost, i.max_attempts, i.errors, i.body, i.trace, i.created_at, i.revision, i.seq`;

export type ViewRow = readonly [
  id: string,
  queue: string,
  name: string,
  key: string | null,
  state: ItemView["state"],
  outcome: ItemView["outcome"],
  holder: string | null,
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
  revision: number,
  seq: number,
];

type Holder = readonly [lease: string, owner: string, claimedRevision: number];

export function toView(row: ViewRow): ItemView {
  const [id, queue, name, key, state, outcome, holder, cancel, priority, concurrencyKey, at, ...rest] = row;
  const [attempts, failures, lost, maxAttempts, errors, body, trace, createdAt, revision] = rest;
  // A failed item may still be listed by the lease under which it ended.
  const held = holder !== null && state !== "done";
  const [lease, owner, claimedRevision] = held ? (JSON.parse(holder) as Holder) : [null, null, null];
  return {
    id,
    queue,
    name,
    key,
    state,
    outcome,
    revision,
    held,
    owner,
    lease,
    claimedRevision,
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
