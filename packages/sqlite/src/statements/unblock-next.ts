import type { Script } from "../script.ts";

/** The items of one concurrency key and name, which claims take in order. */
export type Line = readonly [queue: string, concurrencyKey: string, name: string];

/**
 * Make the first blocked item of each line ready, where there is one: whatever led the others may go then, as between it and
 * them there is one that is ready. Locks: the write lock. Indexes: `sherd_item_blocked`, then the primary key.
 */
export function* unblockNext(lines: readonly Line[]): Script<void> {
  if (lines.length === 0) return;
  yield {
    name: "unblock",
    sql: `
UPDATE sherd_item SET state = 'ready' WHERE seq IN (
  SELECT (
    SELECT b.seq FROM sherd_item b INDEXED BY sherd_item_blocked
    WHERE b.queue = l.value ->> 0 AND b.state = 'blocked' AND b.concurrency_key = l.value ->> 1 AND b.name = l.value ->> 2
    ORDER BY b.priority DESC, b.seq LIMIT 1
  ) FROM json_each(?) l
)`,
    params: [JSON.stringify(lines)],
  };
}
