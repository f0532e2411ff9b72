import type { AttemptError, ItemState, ItemView, Outcome } from "@sherd/core";
import { numberOrNull } from "../literal.ts";
import type { Row } from "../sessions/session.ts";

const epochMs = (column: string) => `round(extract(epoch from ${column}) * 1000)::float8`;

/** The columns of an item as operators see it; `i` is the item, `held` its lease's owner where one lists it. */
export const itemColumns = `i.id::text as id, i.queue, i.name, i.key, i.state, i.outcome, i.revision, h.owner, h.lease::text as lease, h.claimed, i.cancel, i.priority,
  i.concurrency_key, case when i.state = 'timed' and h.owner is null and i.at > clock_timestamp() then ${epochMs("i.at")} end as due_at,
  i.attempts, i.failures, i.lost, i.max_attempts, i.errors::text as errors, i.body::text as body, i.trace,
  ${epochMs("i.created_at")} as created_at, case when i.state = 'done' then ${epochMs("i.at")} end as finished_at`;

/** The same of the history; `b` is the batch, `i` an item of it. */
export const historyColumns = `i.id::text as id, b.queue, i.name, i.key, 'done' as state, b.outcome, 0 as revision, null as owner,
  null as lease, null::integer as claimed, false as cancel, i.priority, i.concurrency_key, null::float8 as due_at, i.attempts, i.failures, i.lost,
  i.max_attempts, i.errors::text as errors, i.body::text as body, i.trace, ${epochMs("i.created_at")} as created_at,
  ${epochMs("b.finished_at")} as finished_at`;

/** The items of the batch `b`, numbered from 1. */
export const historyItems = `unnest(b.ids, b.names, b.keys, b.priorities, b.concurrency_keys, b.attempts, b.failures, b.lost,
  b.max_attempts, b.errors, b.bodies, b.traces, b.created_at) with ordinality as i(id, name, key, priority, concurrency_key,
  attempts, failures, lost, max_attempts, errors, body, trace, created_at, n)`;

export function itemView(row: Row): ItemView {
  return {
    id: String(row["id"]),
    queue: String(row["queue"]),
    name: String(row["name"]),
    key: row["key"] as string | null,
    state: row["state"] as ItemState,
    outcome: row["outcome"] as Outcome | null,
    revision: Number(row["revision"]),
    held: row["owner"] !== null,
    owner: row["owner"] as string | null,
    lease: row["lease"] as string | null,
    claimedRevision: numberOrNull(row["claimed"]),
    cancelRequested: row["cancel"] === true,
    priority: Number(row["priority"]),
    concurrencyKey: row["concurrency_key"] as string | null,
    dueAt: numberOrNull(row["due_at"]),
    attempts: Number(row["attempts"]),
    failures: Number(row["failures"]),
    lost: Number(row["lost"]),
    maxAttempts: Number(row["max_attempts"]),
    errors: JSON.parse(String(row["errors"] ?? "[]")) as readonly AttemptError[],
    body: String(row["body"]),
    trace: row["trace"] as string | null,
    createdAt: Number(row["created_at"]),
    finishedAt: numberOrNull(row["finished_at"]),
  };
}
