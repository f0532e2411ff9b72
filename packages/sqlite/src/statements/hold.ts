import type { Script } from "../script.ts";

/**
 * Tell whether `lease` still lists `id`. Locks: none of its own. In a transaction of the adapter the write lock keeps
 * sweeps out until it ends; in a deferred one of the caller's SQLite refuses the later write if a sweep came first
 * (SQLITE_BUSY_SNAPSHOT), so what is read here holds for as long as the transaction can still commit. Indexes: the
 * primary key of the lease, `sherd_item_id`.
 */
export function* hold(lease: string, id: string): Script<"held" | "lost" | "cancelled"> {
  const [row] = yield {
    name: "hold",
    sql: `
SELECT i.cancel FROM sherd_lease l CROSS JOIN sherd_item i ON i.id = ?
WHERE l.id = ? AND i.state <> 'done' AND EXISTS (SELECT 1 FROM json_each(l.items) e WHERE e.value = i.seq)`,
    params: [id, lease],
  };
  if (row === undefined) return "lost";
  return row[0] === 1 ? "cancelled" : "held";
}
