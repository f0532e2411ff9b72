import type { ItemView } from "@sherd/core";
import type { Script } from "../script.ts";
import { findInHistory } from "./history.ts";
import { itemColumns, toView, type ViewRow } from "./view.ts";

/**
 * Read one item wherever it is. Items move into the history and never back, so one that moves between the two statements is
 * not missed. Locks: none. Indexes: `sherd_item_id`, `sherd_lease_queue`, then `sherd_history_ids`.
 */
export function* get(queue: string, id: string): Script<ItemView | null> {
  const [row] = (yield {
    name: "get",
    sql: `SELECT ${itemColumns} FROM sherd_item i WHERE i.id = ? AND i.queue = ?`,
    params: [id, queue],
  }) as readonly ViewRow[];
  return row === undefined ? yield* findInHistory(queue, id) : toView(row);
}
