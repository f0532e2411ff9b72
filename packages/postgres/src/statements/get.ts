import type { ItemView } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { historyColumns, itemColumns, itemView } from "./view.ts";

/** Takes no locks; one snapshot, so that an item on its way into the history is seen once. Index: the primary keys. */
const text = `select ${itemColumns} from sherd_item i
left join lateral (
  select l.owner, l.id as lease, l.revisions[array_position(l.items, i.id)] as claimed from sherd_lease l where l.queue = i.queue and i.id = any(l.items) and i.state <> 'done' limit 1
) h on true
where i.id = $1::text::uuid and i.queue = $2::text
union all
select ${historyColumns} from sherd_history i where i.id = $3::text::uuid and i.queue = $4::text
limit 1`;

export async function get(executor: Executor, queue: string, id: string): Promise<ItemView | null> {
  const [row] = await executor.own("get", () => executor.send("get", "get", text, [id, queue, id, queue]));
  return row === undefined ? null : itemView(row);
}
