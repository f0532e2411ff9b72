import type { NewItem } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { plainArray, textArray } from "../literal.ts";
import type { Parameter, Row, Session } from "../sessions/session.ts";

/**
 * Items without keys can conflict with nothing, so this takes no lock beyond its own new rows. READ COMMITTED.
 * For items that are alike in all but what comes as arrays; an array that is too short, as none at all, reads as nulls.
 */
const insertAlike = `insert into sherd_item (queue, name, priority, release_key_on_retry, max_attempts, retry, timeout_ms,
  id, body, trace, concurrency_key, state, at)
select $1::text, $2::text, $3::integer, $4::boolean, $5::integer, $6::text, $7::bigint,
  n.id, n.body::json, n.trace, n.concurrency_key, case when d.at is null then 'ready' else 'timed' end, d.at
from unnest($8::text::uuid[], $9::text::text[], $10::text::text[], $11::text::text[], $12::text::float8[])
  as n(id, body, trace, concurrency_key, due_at)
cross join lateral (
  select case when to_timestamp(n.due_at / 1000.0) > statement_timestamp() then to_timestamp(n.due_at / 1000.0) end as at
) d`;

/** The same for one item: a plan for its values alone takes half the time. */
const insertOne = `insert into sherd_item (queue, name, priority, release_key_on_retry, max_attempts, retry, timeout_ms,
  id, body, trace, concurrency_key, state, at)
values ($1::text, $2::text, $3::integer, $4::boolean, $5::integer, $6::text, $7::bigint,
  $8::text::uuid, $9::text::json, $10::text, $11::text,
  case when to_timestamp($12::float8 / 1000.0) > statement_timestamp() then 'timed' else 'ready' end,
  case when to_timestamp($12::float8 / 1000.0) > statement_timestamp() then to_timestamp($12::float8 / 1000.0) end)`;

/**
 * The same for any items. `body` travels as text within the JSON: read as JSON, its escapes would be resolved, and not
 * all of them can be.
 */
export const insertAny = `insert into sherd_item (id, queue, name, state, at, priority, concurrency_key, release_key_on_retry,
  max_attempts, retry, timeout_ms, body, trace)
select n.id, n.queue, n.name, case when d.at is null then 'ready' else 'timed' end, d.at, n.priority, n."concurrencyKey",
  n."releaseKeyOnRetry", n."maxAttempts", n.retry, n."timeoutMs", n.body::json, n.trace
from json_to_recordset($1::text::json) as n(
  id uuid, queue text, name text, "dueAt" double precision, priority integer, "concurrencyKey" text,
  "releaseKeyOnRetry" boolean, retry text, "maxAttempts" integer, "timeoutMs" bigint, body text, trace text
) cross join lateral (
  select case when to_timestamp(n."dueAt" / 1000.0) > statement_timestamp() then to_timestamp(n."dueAt" / 1000.0) end as at
) d`;

const largestInteger = 2 ** 31 - 1;

/** Send the insert of items without keys, of which there is at least one; see `Executor.start`. */
export function startInsert(
  executor: Executor,
  items: readonly NewItem[],
  session: Session,
): Promise<{ readonly answer: Promise<readonly Row[]> }> {
  const [text, parameters] = statementOf(items);
  return executor.start("enqueue", "insert", text, parameters, session);
}

function statementOf(items: readonly NewItem[]): readonly [text: string, parameters: readonly Parameter[]] {
  const [first, ...others] = items as readonly [NewItem, ...NewItem[]];
  if (others.length === 0) return [insertOne, valuesOf(first)];
  return areAlike(items) ? [insertAlike, columnsOf(items)] : [insertAny, [rowsOf(items)]];
}

export function areAlike(items: readonly NewItem[]): boolean {
  const [first] = items;
  return items.every(
    (item) =>
      item === first ||
      (item.queue === first?.queue &&
        item.name === first.name &&
        item.priority === first.priority &&
        item.releaseKeyOnRetry === first.releaseKeyOnRetry &&
        item.maxAttempts === first.maxAttempts &&
        item.retry === first.retry &&
        item.timeoutMs === first.timeoutMs),
  );
}

/** What items that are alike have in common. */
function commonOf(item: NewItem): readonly Parameter[] {
  return [
    item.queue,
    item.name,
    item.priority,
    item.releaseKeyOnRetry,
    Math.min(item.maxAttempts, largestInteger),
    item.retry,
    item.timeoutMs,
  ];
}

function valuesOf(item: NewItem): readonly Parameter[] {
  const { id, body, trace, concurrencyKey, dueAt } = item;
  return [...commonOf(item), id, body, trace, concurrencyKey, dueAt];
}

function columnsOf(items: readonly NewItem[]): readonly Parameter[] {
  const [first] = items as readonly [NewItem];
  const column = (read: (item: NewItem) => string | null) =>
    items.some((item) => read(item) !== null) ? textArray(items.map(read)) : "{}";
  const isTimed = items.some(({ dueAt }) => dueAt !== null);
  return [
    ...commonOf(first),
    plainArray(items.map(({ id }) => id)),
    textArray(items.map(({ body }) => body)),
    column(({ trace }) => trace),
    column(({ concurrencyKey }) => concurrencyKey),
    isTimed ? plainArray(items.map(({ dueAt }) => dueAt ?? "NULL")) : "{}",
  ];
}

/** For `insertAny` and for keyed ones. */
export function rowsOf(items: readonly NewItem[]): string {
  return JSON.stringify(
    items.map((item) => ({ ...item, maxAttempts: Math.min(item.maxAttempts, largestInteger) })),
  );
}
