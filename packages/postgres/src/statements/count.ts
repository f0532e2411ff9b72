import type { ItemCounts } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { numberOrNull, onlyRow } from "../literal.ts";

/** Takes no locks; one snapshot, so that the counts fit together. Reads every item of the queue. */
const text = `with held as materialized (
  select h.id from sherd_lease l cross join unnest(l.items) as h(id) where l.queue = $1::text
), item as (
  select i.state, i.id in (select id from held) as held,
    case when i.state in ('ready', 'blocked') then coalesce(i.at, i.created_at) when i.state = 'timed' then i.at end as due
  from sherd_item i where i.queue = $2::text
)
select count(*) filter (where state <> 'done' and not held)::float8 as pending,
  count(*) filter (where state <> 'done' and held)::float8 as processing,
  count(*) filter (where state = 'done')::float8 as failed,
  (select coalesce(sum(cardinality(ids)), 0) from sherd_history where queue = $3::text and outcome = 'completed')::float8 as completed,
  (select coalesce(sum(cardinality(ids)), 0) from sherd_history where queue = $4::text and outcome = 'cancelled')::float8 as cancelled,
  (extract(epoch from clock_timestamp() - min(due) filter (where not held and due <= clock_timestamp())) * 1000)::float8
    as oldest_due_ms
from item`;

export async function count(executor: Executor, queue: string): Promise<ItemCounts> {
  const row = onlyRow(
    await executor.own("count", () => executor.send("count", "count", text, [queue, queue, queue, queue])),
  );
  const oldestDueMs = numberOrNull(row["oldest_due_ms"]);
  return {
    pending: Number(row["pending"]),
    processing: Number(row["processing"]),
    completed: Number(row["completed"]),
    failed: Number(row["failed"]),
    cancelled: Number(row["cancelled"]),
    oldestDueMs: oldestDueMs === null ? null : Math.max(0, Math.round(oldestDueMs)),
  };
}
