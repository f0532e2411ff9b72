import type { Transaction } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { onlyRow, textArray } from "../literal.ts";
import { sessionOf } from "./session-of.ts";

/** Locks: the parked items, by id. Index: sherd_item_key. READ COMMITTED: one that is waited for is judged anew. */
const text = `with parked as (
  select id from sherd_item
  where queue = $1::text and key = any($2::text::text[]) and key is not null and state <> 'done' and state = 'parked'
  order by id for no key update
), woken as (
  update sherd_item i set state = 'ready', at = clock_timestamp(), gate = null from parked p where i.id = p.id returning i.id
)
select count(*)::integer as woken from woken`;

export async function wake(
  executor: Executor,
  queue: string,
  keys: readonly string[],
  tx?: Transaction,
): Promise<number> {
  if (keys.length === 0) return 0;
  const parameters = [queue, textArray(keys)];
  const send = () =>
    executor.send("wake", "wake", text, parameters, tx === undefined ? undefined : sessionOf(tx));
  const rows = tx === undefined ? await executor.own("wake", send) : await executor.joined("wake", send);
  return Number(onlyRow(rows)["woken"]);
}
