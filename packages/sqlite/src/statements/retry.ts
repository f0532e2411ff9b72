import { SherdError } from "@sherd/core";
import type { Script } from "../script.ts";
import { isInHistory } from "./history.ts";
import { writeLists } from "./settle.ts";

/**
 * Make a failed item ready with fresh attempts. Locks: the write lock, taken by BEGIN IMMEDIATE before the first read.
 * Indexes: `sherd_item_id`, `sherd_item_key`, `sherd_lease_queue`. A lease that still lists the item forgets it, or its
 * holder could end the new attempt.
 */
export function* retry(
  queue: string,
  id: string,
  now: number,
): Script<"retried" | "not_failed" | "not_found"> {
  const [row] = (yield {
    name: "read-item",
    sql: "SELECT seq, state, key FROM sherd_item WHERE id = ? AND queue = ?",
    params: [id, queue],
  }) as readonly (readonly [seq: number, state: string, key: string | null])[];
  if (row === undefined) return (yield* isInHistory(queue, id)) ? "not_failed" : "not_found";
  const [seq, state, key] = row;
  if (state !== "done") return "not_failed";
  if (key !== null) yield* failIfTaken(queue, id, key);
  yield* forget(queue, seq);
  yield {
    name: "retry",
    sql: `
UPDATE sherd_item SET
  state = 'ready', at = ?, outcome = NULL, failures = 0, lost = 0, cancel = 0
WHERE seq = ?`,
    params: [now, seq],
  };
  return "retried";
}

function* failIfTaken(queue: string, id: string, key: string): Script<void> {
  const [holder] = yield {
    name: "find-key-holder",
    sql: "SELECT id FROM sherd_item WHERE queue = ? AND key = ? AND state <> 'done'",
    params: [queue, key],
  };
  if (holder === undefined) return;
  const existingId = holder[0] as string;
  throw new SherdError(
    "KEY_CONFLICT",
    `Cannot retry ${id} in "${queue}": the key "${key}" belongs to ${existingId} by now, which has not finished. Let that ` +
      `one finish or cancel it, then retry.`,
    { queue, key, existingId },
  );
}

function* forget(queue: string, seq: number): Script<void> {
  const leases = (yield {
    name: "find-leases",
    sql: `
SELECT l.id, l.items FROM sherd_lease l
WHERE l.queue = ? AND EXISTS (SELECT 1 FROM json_each(l.items) e WHERE e.value = ?)`,
    params: [queue, seq],
  }) as readonly (readonly [id: string, items: string])[];
  if (leases.length === 0) return;
  const others = (items: string) => (JSON.parse(items) as number[]).filter((listed) => listed !== seq);
  yield* writeLists(leases.map(([id, items]) => [id, others(items)]));
}
