import type { ItemView } from "@sherd/core";
import type { Script } from "../script.ts";
import { historyColumns, itemColumns, toView, type ViewRow } from "./view.ts";

/**
 * Read one item wherever it is, in one statement, so that one which is being moved is not missed. Locks: none. Indexes:
 * `sherd_item_id`, the primary key of the history, `sherd_lease_queue`.
 */
export function* get(queue: string, id: string): Script<ItemView | null> {
  const [row] = (yield {
    name: "get",
    sql: `
SELECT ${itemColumns} FROM sherd_item i WHERE i.id = ? AND i.queue = ?
UNION ALL
SELECT ${historyColumns} FROM sherd_history i WHERE i.id = ? AND i.queue = ?`,
    params: [id, queue, id, queue],
  }) as readonly ViewRow[];
  return row === undefined ? null : toView(row);
}
