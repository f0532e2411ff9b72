import type { Script } from "../script.ts";

/** Delete leases whose items have all ended. Locks: the write lock. Index: the primary key. */
export function* closeLeases(leases: readonly string[]): Script<void> {
  yield {
    name: "close-leases",
    sql: "DELETE FROM sherd_lease WHERE id IN (SELECT value FROM json_each(?))",
    params: [JSON.stringify(leases)],
  };
}
