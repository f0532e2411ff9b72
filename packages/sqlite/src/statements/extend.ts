import type { Extension } from "@sherd/core";
import type { Script } from "../script.ts";

/**
 * Renew leases, also one past its time that was not swept: only a sweep ends it. Locks: the write lock, so that no sweep
 * comes in between. Indexes: the primary key; `sherd_item_cancel`, which is all but empty, and leads the search, so the
 * leases' lists are only read when a cancellation is asked for.
 */
export function* extend(queue: string, leases: readonly string[], expiresAt: number): Script<Extension> {
  const ids = JSON.stringify(leases);
  const renewed = yield {
    name: "renew",
    sql: "UPDATE sherd_lease SET expires_at = ? WHERE id IN (SELECT value FROM json_each(?)) RETURNING id",
    params: [expiresAt, ids],
  };
  const cancelled = yield {
    name: "read-cancelled",
    sql: `
SELECT i.id FROM sherd_item i INDEXED BY sherd_item_cancel
WHERE i.queue = ? AND i.cancel = 1 AND i.state <> 'done' AND i.seq IN (
  SELECT e.value FROM sherd_lease l, json_each(l.items) e WHERE l.id IN (SELECT value FROM json_each(?))
)`,
    params: [queue, ids],
  };
  const standing = new Set(renewed.map(([id]) => id));
  return { gone: leases.filter((id) => !standing.has(id)), cancelled: cancelled.map(([id]) => id as string) };
}
