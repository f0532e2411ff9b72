import type { Sql } from "postgres";
import type { Payload } from "../system.ts";
import { type FloorConnections, floorSystem } from "./floor.ts";
import { queue } from "./item-table.ts";
import type { Claimed, FloorStatements } from "./worker.ts";

/**
 * Sherd's own design without a framework: a claim writes one lease that lists its items, under one lock in the server;
 * a settle deletes what its lease lists. A lease that is used up is deleted by the next claim.
 */
function batchLeases(batch: number) {
  return floorSystem({
    name: `batch leases by hand (${batch})`,
    settings: `a lease row a claim, claimed in one server-side call, settled by DELETE, batch ${batch}, three batches in flight`,
    schema: [leaseTable, claimFunction, settleFunction],
    batch,
    statements: batchLeaseStatements,
    // Held rows are ready rows that a lease lists: they are gone when they have ended.
    unfinished: "state = 'ready'",
  });
}

const leaseTable = `create table lease (
  id uuid not null primary key, queue text not null, owner text not null,
  expires_at timestamp with time zone not null, items uuid[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
create index lease_queue on lease (queue);
alter table lease alter column items set storage external`;

/** Each statement after the lock sees a snapshot of its own; the held ids are a constant array, which is hashed. */
const claimFunction = `create function claim(p_lease uuid, p_limit integer, p_owner text, p_closed uuid[])
returns integer language plpgsql volatile set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_held uuid[];
  v_ids uuid[];
begin
  perform set_config('synchronous_commit', 'off', true);
  perform pg_advisory_xact_lock(hashtext('${queue}'));
  if p_closed <> '{}' then delete from lease where id = any(p_closed); end if;
  select coalesce(array_agg(h.id), '{}') into v_held
    from lease l cross join unnest(l.items) as h(id) where l.queue = '${queue}';
  execute $pick$
    select coalesce(array_agg(c.id), '{}') from (
      select id from item
      where queue = $1 and state = 'ready' and name = any('{run}') and id <> all($2)
      order by priority desc, seq limit $3
    ) c
  $pick$ into v_ids using '${queue}', v_held, p_limit;
  if v_ids <> '{}' then
    insert into lease (id, queue, owner, expires_at, items)
      values (p_lease, '${queue}', p_owner, clock_timestamp() + interval '60 seconds', v_ids);
  end if;
  return cardinality(v_ids);
end $$`;

/** Ends those of p_ids that their lease still lists; the list is read once the lease is locked. */
const settleFunction = `create function settle(p_leases uuid[], p_ids uuid[])
returns integer language plpgsql volatile set enable_seqscan = off as $$
declare
  v_listed uuid[];
  v_count integer;
begin
  perform 1 from lease where id = any(p_leases) order by id for no key update;
  select coalesce(array_agg(h.id), '{}') into v_listed
    from lease l cross join unnest(l.items) as h(id) where l.id = any(p_leases);
  execute 'delete from item where id = any($1) and id = any($2) and not cancel' using p_ids, v_listed;
  get diagnostics v_count = row_count;
  return v_count;
end $$`;

export const batchLeases100 = batchLeases(100);
export const batchLeases500 = batchLeases(500);

/** The lease's id is the caller's, so the bodies are asked for in the claim's own round trip. */
const readBodies = `select i.id, i.body from item i where i.id = any(array(
  select h.id from lease l cross join unnest(l.items) as h(id) where l.id = $1)) order by i.priority desc, i.seq`;

function batchLeaseStatements({ claims, settles }: FloorConnections): FloorStatements<string> {
  const owner = crypto.randomUUID();
  const open = new Map<string, number>();
  const used: string[] = [];
  const list = (ids: readonly string[]) => `{${ids.join(",")}}`;
  const send = (sql: Sql, text: string, parameters: (string | number)[]) =>
    sql.unsafe(text, parameters, { prepare: true }).execute();
  return {
    async claim(limit) {
      const lease = crypto.randomUUID();
      const closed = list(used.splice(0));
      const [, rows] = await Promise.all([
        send(claims, "select claim($1, $2, $3, $4::uuid[])", [lease, limit, owner, closed]),
        send(claims, readBodies, [lease]),
      ]);
      open.set(lease, rows.length);
      return rows.map(({ id, body }): Claimed<string> => ({ id: String(id), lease, body: body as Payload }));
    },
    async settle(ended) {
      const counts = new Map<string, number>();
      for (const { lease } of ended) counts.set(lease, (counts.get(lease) ?? 0) + 1);
      const parameters = [list([...counts.keys()]), list(ended.map(({ id }) => id))];
      const [row] = await send(settles, "select settle($1::uuid[], $2::uuid[]) as count", parameters);
      if (Number(row?.["count"]) !== ended.length)
        throw new Error(`Settled ${row?.["count"]} of ${ended.length}.`);
      // Emptied leases are closed only now that the settle has committed: before, their items would be claimed again.
      for (const [lease, count] of counts) {
        const left = (open.get(lease) ?? 0) - count;
        open.set(lease, left);
        if (left > 0) continue;
        open.delete(lease);
        used.push(lease);
      }
    },
  };
}
