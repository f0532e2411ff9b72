import type { Payload } from "../system.ts";
import { type FloorConnections, floorSystem } from "./floor.ts";
import { queue } from "./item-table.ts";
import type { FloorStatements } from "./worker.ts";

const schema = [
  "alter table item add lease uuid, add lease_until timestamp with time zone",
  "create index item_held on item (queue, lease_until) where state = 'held'",
];

/** A lease on each row, with a token a claim as its fence; what has ended is deleted. */
export const rowLeases = floorSystem({
  name: "row leases by hand",
  settings:
    "FOR UPDATE SKIP LOCKED, a token on each row, settled by DELETE, batch 100, three batches in flight",
  schema,
  batch: 100,
  statements: rowLeaseStatements,
  unfinished: "state in ('ready', 'held')",
});

/** The same, woken by a NOTIFY that follows each commit: the floor of what starts soon, and of single inserts. */
export const notified = floorSystem({
  name: "by hand",
  settings: "one INSERT; NOTIFY after the commit, LISTEN, row leases",
  schema,
  batch: 100,
  statements: rowLeaseStatements,
  unfinished: "state in ('ready', 'held')",
  notifies: true,
});

const claim = `update item set state = 'held', lease = $2, lease_until = now() + interval '60 seconds'
where id in (
  select id from item where queue = '${queue}' and state = 'ready' and name = any('{run}')
  order by priority desc, seq limit $1 for update skip locked
)
returning id, body`;

const settle = `delete from item i using unnest($1::uuid[], $2::uuid[]) as e(id, lease)
where i.id = e.id and i.lease = e.lease and i.state = 'held'`;

function rowLeaseStatements({ claims, settles }: FloorConnections): FloorStatements<string> {
  return {
    async claim(limit) {
      const lease = crypto.randomUUID();
      const rows = await claims.unsafe<{ id: string; body: Payload }[]>(claim, [limit, lease], {
        prepare: true,
      });
      return rows.map(({ id, body }) => ({ id, lease, body }));
    },
    async settle(ended) {
      const ids = `{${ended.map(({ id }) => id).join(",")}}`;
      const leases = `{${ended.map(({ lease }) => lease).join(",")}}`;
      const { count } = await settles.unsafe(settle, [ids, leases], { prepare: true });
      if (count !== ended.length) throw new Error(`Settled ${count} of ${ended.length}.`);
    },
  };
}
