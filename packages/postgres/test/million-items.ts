/** More than a million items that no claim may take, and as many in the history, for statements that must read none. */
import type { Sql } from "postgres";

const itemsOfBatch = 400;
const batches = 2_500;
/** Of one of the ten queues beside `queue`. */
const heldOfQueue = 10_000;

/** Most are of `queue`; those that are ready, and some that wait for a retry, are of others. Gathers no statistics. */
export async function fillMillions(client: Sql, queue: string): Promise<void> {
  // Statistics are gathered when a test says so, and not whenever autovacuum comes by.
  for (const table of ["item", "lease", "history"]) {
    await client.unsafe(`alter table sherd_${table} set (autovacuum_enabled = off)`);
  }
  const own = `'${queue}'`;
  const others = "'other ' || n % 10";
  const at = "now() + n * interval '1 hour'";
  await fillItems(client, { count: 350_000, queue: own, state: "done", at: "now() - n * interval '1 s'" });
  await fillItems(client, { count: 250_000, queue: own, state: "timed", at });
  await fillItems(client, { count: 100_000, queue: own, state: "parked" });
  await fillItems(client, { count: 250_000, queue: others, state: "ready" });
  await fillItems(client, { count: 100_000, queue: others, state: "timed", at, failures: 1 });
  await fillLeases(client);
  await fillHistory(client, queue);
}

/** The id of a finished item, by its number; `last` digits other than 0 make it one that is not there. */
export function finishedId(number: number, last = 0): string {
  return `${number.toString(16).padStart(8, "0")}-0000-4000-8000-${String(last).padStart(12, "0")}`;
}

interface Items {
  readonly count: number;
  /** SQL of the item's number `n`, as `at` is. */
  readonly queue: string;
  readonly state: "done" | "timed" | "parked" | "ready";
  readonly at?: string;
  readonly failures?: number;
}

async function fillItems(client: Sql, items: Items): Promise<void> {
  const { count, queue, state, at = "null", failures = 0 } = items;
  const outcome = state === "done" ? "'failed'" : "null";
  await client.unsafe(`
    insert into sherd_item (id, queue, name, key, state, at, outcome, concurrency_key, failures, max_attempts, retry, body)
    select gen_random_uuid(), ${queue}, 'deliver', '${state} ' || n, '${state}', ${at}, ${outcome}, 'key ' || n % 1000,
      ${failures}, 2, 'never', '{}' from generate_series(1, ${count}) n`);
}

async function fillLeases(client: Sql): Promise<void> {
  await client.unsafe(`
    insert into sherd_lease (id, queue, owner, expires_at, items, revisions)
    select gen_random_uuid(), queue, 'a worker', now() + interval '1 hour', array_agg(id), array_agg(revision)
    from (
      select id, queue, revision, row_number() over (partition by queue) as n from sherd_item where state = 'ready'
    ) i where n <= ${heldOfQueue} group by queue, n / 100`);
}

/** As settles leave them: a row for some hundreds. */
async function fillHistory(client: Sql, queue: string): Promise<void> {
  await client.unsafe(`
    insert into sherd_history (queue, outcome, finished_at, first_id, last_id, ids, names, keys, priorities, concurrency_keys,
      attempts, failures, lost, max_attempts, errors, bodies, traces, created_at)
    select '${queue}', 'completed', now() - n * interval '1 s', min(id::text)::uuid, max(id::text)::uuid, array_agg(id),
      array_agg('deliver'::text), array_agg(null::text), array_agg(0), array_agg(null::text), array_agg(1), array_agg(0),
      array_agg(0), array_agg(1), array_agg(null::jsonb), array_agg('{}'::json), array_agg(null::text), array_agg(now())
    from generate_series(0, ${batches - 1}) n cross join lateral (
      select (lpad(to_hex(n * ${itemsOfBatch} + item), 8, '0') || '-0000-4000-8000-000000000000')::uuid as id
      from generate_series(0, ${itemsOfBatch - 1}) item
    ) i group by n`);
}
