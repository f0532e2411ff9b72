import type { Script } from "../script.ts";
import { heldSql } from "./held.ts";

/**
 * Block the first ready items of busy keys, out of `reach`, but for the first one of each key and name, which leads the
 * others: a processor that does not know its name must find those of names that it knows. Items that were lost stay where
 * suspects are looked for. Locks: the write lock, held since the busy keys were read. Indexes: `sherd_item_ready` in order,
 * then the primary key.
 */
export function* block(queue: string, busyKeys: string, reach: number): Script<void> {
  yield {
    name: "block",
    sql: `
UPDATE sherd_item SET state = 'blocked' WHERE seq IN (
  SELECT in_line.seq FROM (
    SELECT near.seq, near.lost,
      row_number() OVER (PARTITION BY near.concurrency_key, near.name ORDER BY near.priority DESC, near.seq) AS place
    FROM (
      SELECT i.seq, i.concurrency_key, i.name, i.priority, i.lost FROM sherd_item i INDEXED BY sherd_item_ready
      WHERE i.queue = ? AND i.state = 'ready' AND i.seq NOT IN (${heldSql})
      ORDER BY i.priority DESC, i.seq LIMIT ?
    ) near
    WHERE near.concurrency_key IN (SELECT value FROM json_each(?))
  ) in_line
  WHERE in_line.place > 1 AND in_line.lost = 0
)`,
    params: [queue, queue, reach, busyKeys],
  };
}
