import type { KeyConflict, NewItem, Transaction } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { sessionOf } from "./session-of.ts";

/**
 * Items without keys can conflict with nothing, so this takes no lock beyond its own new rows. READ COMMITTED.
 * `body` travels as text within the JSON: read as JSON, its escapes would be resolved, and not all of them can be.
 */
const insert = `insert into sherd_item (id, queue, name, state, at, priority, concurrency_key, release_key_on_retry,
  max_attempts, retry, timeout_ms, body, trace)
select n.id, n.queue, n.name, case when d.at is null then 'ready' else 'timed' end, d.at, n.priority, n."concurrencyKey",
  n."releaseKeyOnRetry", n."maxAttempts", n.retry, n."timeoutMs", n.body::json, n.trace
from json_to_recordset($1::text::json) as n(
  id uuid, queue text, name text, "dueAt" double precision, priority integer, "concurrencyKey" text,
  "releaseKeyOnRetry" boolean, retry text, "maxAttempts" integer, "timeoutMs" bigint, body text, trace text
) cross join lateral (
  select case when to_timestamp(n."dueAt" / 1000.0) > statement_timestamp() then to_timestamp(n."dueAt" / 1000.0) end as at
) d`;

/** The rules of keys, their locks and their index are those of `sherd_enqueue_v1`. */
const insertKeyed = `select item::text as id, existing::text as existing, resolution
from sherd_enqueue_v1($1::text::json)`;

const largestInteger = 2 ** 31 - 1;

export async function enqueue(
  executor: Executor,
  tx: Transaction,
  items: readonly NewItem[],
): Promise<readonly KeyConflict[]> {
  if (items.length === 0) return [];
  const session = sessionOf(tx);
  const keyed = items.some(({ key }) => key !== null);
  const rows = JSON.stringify(
    items.map((item) => ({ ...item, maxAttempts: Math.min(item.maxAttempts, largestInteger) })),
  );
  const answers = await executor.joined("enqueue", () =>
    executor.send(
      "enqueue",
      keyed ? "insert-keyed" : "insert",
      keyed ? insertKeyed : insert,
      [rows],
      session,
    ),
  );
  const conflicts = answers.map(({ id, existing, resolution }) => ({
    id: String(id),
    existingId: String(existing),
    resolution: resolution as KeyConflict["resolution"],
  }));
  const order = new Map(items.map(({ id }, index) => [id, index]));
  return conflicts.toSorted((one, other) => (order.get(one.id) ?? 0) - (order.get(other.id) ?? 0));
}
