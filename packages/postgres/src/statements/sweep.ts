import type { LostItem, Sweep } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { onlyRow } from "../literal.ts";

/** Locks, index and isolation are those of `sherd_sweep_v1`. */
const text = `select promoted, lost, more from sherd_sweep_v1($1::text, $2::integer, $3::integer)`;

export async function sweep(
  executor: Executor,
  queue: string,
  limit: number,
  maxLost: number,
): Promise<Sweep> {
  const parameters = [queue, limit, maxLost];
  const row = onlyRow(await executor.own("sweep", () => executor.send("sweep", "sweep", text, parameters)));
  return {
    promoted: Number(row["promoted"]),
    lost: JSON.parse(String(row["lost"])) as readonly LostItem[],
    more: row["more"] === true,
  };
}
