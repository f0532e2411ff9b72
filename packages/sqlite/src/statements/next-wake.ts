import type { Script } from "../script.ts";
import { isClaimableParams, isClaimableSql } from "./claimable.ts";

/**
 * When something may have to be done next. Locks: none. Indexes: `sherd_item_ready` up to the first item that a claim
 * would take, the first entries of `sherd_item_timed` and `sherd_lease_queue`.
 */
export function* nextWakeInMs(queue: string, names: readonly string[], now: number): Script<number | null> {
  const [row] = (yield {
    name: "next-wake",
    sql: `
SELECT
  ${isClaimableSql},
  (SELECT min(at) FROM sherd_item WHERE queue = ? AND state = 'timed'),
  (SELECT min(expires_at) FROM sherd_lease WHERE queue = ?)`,
    params: [...isClaimableParams(queue, names), queue, queue],
  }) as readonly (readonly [isClaimable: number, at: number | null, expiresAt: number | null])[];
  const [isClaimable, at, expiresAt] = row ?? [0, null, null];
  if (isClaimable === 1) return 0;
  const times = [at, expiresAt].filter((time) => time !== null);
  return times.length === 0 ? null : Math.max(0, Math.min(...times) - now);
}
