import type { Storage } from "../adapter/storage.ts";
import type { ItemView, SettleResult } from "../kernel/item.ts";
import type { Ended } from "./settler.ts";

/**
 * Tell which of the results `lost` of a batch that was sent again mean that the first sending took effect, and only
 * its answer was lost: those items are as their outcome would have left them. What cannot be told stays `lost`.
 */
export async function resolveAmbiguous(
  storage: Pick<Storage, "get">,
  queue: string,
  ended: readonly Ended[],
  results: readonly SettleResult[],
): Promise<readonly SettleResult[]> {
  const resolved: SettleResult[] = [];
  for (const [index, result] of results.entries()) {
    const one = ended[index];
    const isTaken = result === "lost" && one !== undefined && (await wasTaken(storage, queue, one));
    resolved.push(isTaken ? "settled" : result);
  }
  return resolved;
}

async function wasTaken(storage: Pick<Storage, "get">, queue: string, ended: Ended): Promise<boolean> {
  try {
    const view = await storage.get(queue, ended.settlement.id);
    return view !== null && isAsSettled(view, ended);
  } catch {
    // The result says `lost` already, and events are all that hangs on it.
    return false;
  }
}

function isAsSettled(view: ItemView, { attempt, settlement }: Ended): boolean {
  const { failures, lost } = attempt.item;
  const { error } = settlement;
  // Another attempt may have ended alike meanwhile; its error has another time.
  if (error !== null && view.errors.at(-1)?.at !== error.at) return false;
  return (
    !view.held &&
    view.outcome === settlement.outcome &&
    view.failures === failures + (settlement.failed ? 1 : 0) &&
    view.lost === lost + (settlement.lost ? 1 : 0)
  );
}
