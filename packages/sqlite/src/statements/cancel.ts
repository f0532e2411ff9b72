import type { Script } from "../script.ts";
import { holderOfItem } from "./held.ts";
import { isInHistory } from "./history.ts";
import { moveToHistory } from "./move.ts";
import { unblockNext } from "./unblock-next.ts";

/**
 * Finish an item as cancelled, or ask its holder to stop. Locks: the write lock, taken by BEGIN IMMEDIATE before the
 * first read, so no claim takes the item in between. Indexes: `sherd_item_id`, `sherd_lease_queue`, `sherd_item_blocked`.
 */
export function* cancel(
  queue: string,
  id: string,
  now: number,
): Script<"cancelled" | "requested" | "finished" | "not_found"> {
  const [row] = (yield {
    name: "read-item",
    sql: `SELECT i.seq, i.state, ${holderOfItem}, i.concurrency_key, i.name FROM sherd_item i WHERE i.id = ? AND i.queue = ?`,
    params: [id, queue],
  }) as readonly ItemRow[];
  if (row === undefined) return (yield* isInHistory(queue, id)) ? "finished" : "not_found";
  const [seq, state, holder, concurrencyKey, name] = row;
  if (state === "done") return "finished";
  if (holder === null) {
    yield* moveToHistory(queue, [{ seq, outcome: "cancelled", counts: false, plainBytes: null }], now);
    if (state === "ready" && concurrencyKey !== null) yield* unblockNext([[queue, concurrencyKey, name]]);
    return "cancelled";
  }
  yield { name: "request-cancel", sql: "UPDATE sherd_item SET cancel = 1 WHERE seq = ?", params: [seq] };
  return "requested";
}

type ItemRow = readonly [
  seq: number,
  state: string,
  holder: string | null,
  concurrencyKey: string | null,
  name: string,
];
