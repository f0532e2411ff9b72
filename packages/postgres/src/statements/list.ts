import { SherdError, type ItemFilter, type ItemPage, type ItemStatus } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { historyColumns, historyItems, itemColumns, itemView } from "./view.ts";

/** Microseconds, all that the database keeps: a page ends exactly at its last row. */
const micros = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint::text`;
const instant = (parameter: string) =>
  `timestamp with time zone 'epoch' + ${parameter}::text::bigint * interval '1 microsecond'`;

const held = `select h.id, l.owner, l.id as lease, h.claimed from sherd_lease l cross join unnest(l.items, l.revisions) as h(id, claimed) where l.queue = $1::text`;
const chosen = `i.queue = $2::text and ($3::text is null or i.name = $4::text)`;
const bySeq = `and ($5::text is null or i.seq < $6::text::bigint) and $7::text is null
order by i.seq desc limit $8::integer`;
const byTime = (time: string, tie: string, type: string) => `and ($5::text is null
  or (${time}, ${tie}) < (${instant("$6")}, $7::text::${type}))
order by ${time} desc, ${tie} desc limit $8::integer`;

/** Takes no locks. Reads the items of the queue: nothing on the hot path pays for an index that only operators use. */
const pending = `with held as materialized (${held})
select ${itemColumns}, i.seq::text as position, null as tie
from sherd_item i left join held h on h.id = i.id
where i.state <> 'done' and h.id is null and ${chosen} ${bySeq}`;

/** Takes no locks. Index: sherd_lease_queue, then sherd_item_pkey. */
const processing = `with held as materialized (${held})
select ${itemColumns}, i.seq::text as position, null as tie
from held h join sherd_item i on i.id = h.id
where i.state <> 'done' and ${chosen} ${bySeq}`;

/** Takes no locks. Index: sherd_item_done. */
const failed = `select ${itemColumns}, ${micros("i.at")} as position, i.seq::text as tie
from sherd_item i cross join (select null as owner, null as lease, null::integer as claimed) h
where i.state = 'done' and $1::text is not null and ${chosen} ${byTime("i.at", "i.seq", "bigint")}`;

/** Takes no locks. Index: sherd_history_finished, as many batches as the page needs. Of a batch, the last of it first. */
const finished = `select ${historyColumns}, ${micros("b.finished_at")} as position, b.seq::text || '-' || i.n as tie
from sherd_history b cross join lateral ${historyItems}
where b.outcome = $1::text and b.queue = $2::text and ($3::text is null or i.name = $4::text) and ($5::text is null
  or (b.finished_at, b.seq) <= (${instant("$6")}, split_part($7::text, '-', 1)::bigint)
  and (b.seq <> split_part($7::text, '-', 1)::bigint or i.n < split_part($7::text, '-', 2)::bigint))
order by b.finished_at desc, b.seq desc, i.n desc limit $8::integer`;

const texts: Record<ItemStatus, string> = {
  pending,
  processing,
  failed,
  completed: finished,
  cancelled: finished,
};

export async function list(executor: Executor, queue: string, filter: ItemFilter): Promise<ItemPage> {
  const { status, name = null, limit } = filter;
  const [position, tie] = parseCursor(status, filter.cursor);
  const first = status === "completed" || status === "cancelled" ? status : queue;
  const parameters = [first, queue, name, name, position, position, tie, limit + 1];
  const rows = await executor.own("list", () => executor.send("list", status, texts[status], parameters));
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(itemView),
    cursor: last === undefined ? null : formatCursor(status, last["position"], last["tie"]),
  };
}

/** It names its list: a place in one means nothing in another. */
function formatCursor(status: ItemStatus, position: unknown, tie: unknown): string {
  const place = `${status}.${String(position)}`;
  return tie === null ? place : `${place}.${String(tie)}`;
}

function parseCursor(
  status: ItemStatus,
  cursor: string | null,
): readonly [position: string | null, tie: string | null] {
  if (cursor === null) return [null, null];
  const [, list, position, tie] = /^(\w+)\.(\d{1,18})(?:\.([\da-f-]{1,36}))?$/.exec(cursor) ?? [];
  if (list === status && position !== undefined) return [position, tie ?? null];
  throw new SherdError(
    "INVALID_OPTION",
    "Cannot list from the given cursor: it is not one that a page of this list handed out. Start without a cursor.",
    { option: "cursor", received: cursor },
  );
}
