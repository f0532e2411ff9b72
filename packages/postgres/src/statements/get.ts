import type { ItemView } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { historyColumns, historyItems, itemColumns, itemView } from "./view.ts";

/** Takes no locks; one snapshot, so that an item on its way into the history is seen once. Index: sherd_item_pkey, then sherd_history_ids, from the first batch that may have the id on. */
const text = `select ${itemColumns} from sherd_item i
left join lateral (
  select l.owner, l.id as lease, l.revisions[array_position(l.items, i.id)] as claimed from sherd_lease l where l.queue = i.queue and i.id = any(l.items) and i.state <> 'done' limit 1
) h on true
where i.id = $1::text::uuid and i.queue = $2::text
union all
select * from (
  select ${historyColumns} from (
    select * from sherd_history h
    where h.queue = $3::text and h.last_id >= $4::text::uuid and h.first_id <= $5::text::uuid and $6::text::uuid = any(h.ids)
    limit 1
  ) b cross join lateral ${historyItems} where i.id = $7::text::uuid
) h
limit 1`;

export async function get(executor: Executor, queue: string, id: string): Promise<ItemView | null> {
  const [row] = await executor.own("get", () =>
    executor.send("get", "get", text, [id, queue, queue, id, id, id, id]),
  );
  return row === undefined ? null : itemView(row);
}
