import type { Extension } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { onlyRow, parseIds, plainArray } from "../literal.ts";

/**
 * Locks: the leases FOR NO KEY UPDATE, by id, as settle does. Index: sherd_lease_pkey; sherd_item_cancel, which has
 * the few items whose cancellation is requested. READ COMMITTED: a lease that is being renewed is waited for.
 */
const text = `with standing as materialized (
  select id, items from sherd_lease where id = any($1::text::uuid[]) and queue = $2::text order by id for no key update
), renewed as (
  update sherd_lease l set expires_at = clock_timestamp() + $3::float8 * interval '1 millisecond'
  from standing s where l.id = s.id
)
select array(select id from standing)::text as standing, array(
  select i.id from sherd_item i where i.queue = $4::text and i.cancel
    and exists (select from standing s where i.id = any(s.items))
)::text as cancelled`;

export async function extend(
  executor: Executor,
  queue: string,
  leases: readonly string[],
  leaseMs: number,
): Promise<Extension> {
  if (leases.length === 0) return { gone: [], cancelled: [] };
  const parameters = [plainArray(leases), queue, leaseMs, queue];
  const row = onlyRow(await executor.own("extend", () => executor.send("extend", "renew", text, parameters)));
  const standing = new Set(parseIds(row["standing"]));
  return { gone: leases.filter((id) => !standing.has(id)), cancelled: parseIds(row["cancelled"]) };
}
