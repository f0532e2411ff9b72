import type { PulledItem, PulledPage, Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import { parsePulled } from "./item.ts";
import { sendVerb } from "./send-verb.ts";

/** Takes no locks. Index: sherd_item_key in order, then those of `sherd_pulled_v1`. */
const text = `with chosen as materialized (
  select i.id, i.key from sherd_item i
  where i.queue = $1::text and i.key > $2::text and ($3::text is null or i.phase = $4::text)
    and i.key is not null and i.state <> 'done'
  order by i.key limit $5::integer
)
select p.pulled from sherd_pulled_v1(array(select c.id from chosen c)) p join chosen c on c.id = p.item order by c.key`;

export async function page(
  executor: Executor,
  { queue, phase, after, limit }: PulledPage,
  tx?: Transaction,
): Promise<readonly PulledItem[]> {
  const rows = await sendVerb(executor, "page", text, [queue, after ?? "", phase, phase, limit], tx);
  return rows.map(({ pulled }) => parsePulled(pulled));
}
