import type { Extension } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { onlyRow, parseArray, plainArray } from "../literal.ts";

/**
 * Locks: the leases FOR NO KEY UPDATE, by id, as settle does, SKIP LOCKED: one that another transaction ends attempts of
 * must not keep the others from being renewed. It is renewed the next time, and no sweep ends it while it is locked.
 * Index: sherd_lease_pkey; sherd_item_cancel, which has the few items whose cancellation is requested. READ COMMITTED.
 */
const text = `with standing as materialized (
  select id, items from sherd_lease where id = any($1::text::uuid[]) and queue = $2::text
), free as materialized (
  select id from sherd_lease where id = any($3::text::uuid[]) and queue = $4::text order by id
  for no key update skip locked
), renewed as (
  update sherd_lease l set expires_at = clock_timestamp() + $5::float8 * interval '1 millisecond'
  from free f where l.id = f.id
)
select array(select id from standing)::text as standing, array(
  select i.id from sherd_item i where i.queue = $6::text and i.cancel
    and exists (select from standing s where i.id = any(s.items))
)::text as cancelled`;

export async function extend(
  executor: Executor,
  queue: string,
  leases: readonly string[],
  leaseMs: number,
): Promise<Extension> {
  if (leases.length === 0) return { gone: [], cancelled: [] };
  const ids = plainArray(leases);
  const parameters = [ids, queue, ids, queue, leaseMs, queue];
  const row = onlyRow(await executor.own("extend", () => executor.send("extend", "renew", text, parameters)));
  const standing = new Set(parseArray(row["standing"]));
  return { gone: leases.filter((id) => !standing.has(id)), cancelled: parseArray(row["cancelled"]) };
}
