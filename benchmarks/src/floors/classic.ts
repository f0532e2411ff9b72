import type { Payload } from "../system.ts";
import { type FloorConnections, floorSystem } from "./floor.ts";
import { queue } from "./item-table.ts";
import type { Claimed, FloorStatements } from "./worker.ts";

/** The table-as-queue that everyone writes first: a claim marks rows, a settle marks them again, finished ones stay. */
export const classic = floorSystem({
  name: "classic by hand",
  settings: "FOR UPDATE SKIP LOCKED, settled by UPDATE … = ANY, batch 100, three batches in flight",
  schema: [
    "alter table item add lease_owner uuid, add lease_until timestamp with time zone",
    "create index item_held on item (queue, lease_until) where state = 'held'",
    "create index item_done on item (queue, at) where state = 'done'",
  ],
  batch: 100,
  statements: classicStatements,
  unfinished: "state in ('ready', 'held')",
});

const claim = `update item set state = 'held', lease_owner = $2, lease_until = now() + interval '60 seconds'
where id in (
  select id from item where queue = '${queue}' and state = 'ready' and name = any('{run}')
  order by priority desc, seq limit $1 for update skip locked
)
returning id, body`;

const settle = `update item set state = 'done', outcome = 'completed', attempts = attempts + 1, at = now(), lease_owner = null
where id = any($1::uuid[]) and state = 'held' and lease_owner = $2`;

function classicStatements({ claims, settles }: FloorConnections): FloorStatements<null> {
  const owner = crypto.randomUUID();
  return {
    async claim(limit) {
      const rows = await claims.unsafe<{ id: string; body: Payload }[]>(claim, [limit, owner], {
        prepare: true,
      });
      return rows.map(({ id, body }): Claimed<null> => ({ id, lease: null, body }));
    },
    async settle(ended) {
      const ids = `{${ended.map(({ id }) => id).join(",")}}`;
      const { count } = await settles.unsafe(settle, [ids, owner], { prepare: true });
      if (count !== ended.length) throw new Error(`Settled ${count} of ${ended.length}.`);
    },
  };
}
