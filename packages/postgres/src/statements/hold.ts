import type { Transaction } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { sessionOf } from "./session-of.ts";

/**
 * Locks: the lease FOR KEY SHARE, until `tx` ends: it keeps out the sweep's DELETE alone, so that batch-mates settle
 * and renew meanwhile. Index: sherd_lease_pkey, sherd_item_pkey. READ COMMITTED: settle reads the list again.
 */
const text = `select $1::text::uuid = any(l.items) as listed, (
  select i.cancel from sherd_item i where i.id = $2::text::uuid and i.state <> 'done'
) as cancel
from sherd_lease l where l.id = $3::text::uuid for key share of l`;

export async function hold(
  executor: Executor,
  tx: Transaction,
  lease: string,
  id: string,
): Promise<"held" | "lost" | "cancelled"> {
  const [row] = await executor.joined("hold", () =>
    executor.send("hold", "hold", text, [id, id, lease], sessionOf(tx)),
  );
  if (row?.["listed"] !== true || row["cancel"] === null) return "lost";
  return row["cancel"] === true ? "cancelled" : "held";
}
