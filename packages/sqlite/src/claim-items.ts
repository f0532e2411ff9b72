import type { Claim, ClaimRequest } from "@sherd/core";
import type { SqliteClock } from "./clock.ts";
import type { Executor } from "./executor.ts";
import { claim, type Claimed, isRead, readClaimed, toClaimedItems } from "./statements/claim.ts";
import { closeLeases } from "./statements/close-leases.ts";
import { settle } from "./statements/settle.ts";

/**
 * Claim items, and read their bodies, but for small ones that are at hand, once the write lock is gone: a process that
 * stands still while it reads must hold up no other. In between items may be replaced, or asked to stop; those are taken off their leases instead of being
 * handed out.
 */
export async function claimItems(
  run: Executor,
  request: ClaimRequest,
  closed: readonly string[],
  now: SqliteClock["now"],
): Promise<Claim> {
  const picked = await run.write("claim", ({ local, paysByRow }) =>
    claim(request, closed, now(), { randomId: () => crypto.randomUUID(), local, paysByRow }),
  );
  if (isRead(picked)) return { items: toClaimedItems(picked), more: picked.more };
  const leases = new Set(picked.items.map(({ lease }) => lease));
  let claimed: Claimed;
  try {
    claimed = await run.read("claim", () => readClaimed(picked));
  } catch (error) {
    // Nothing was begun, so nothing may be counted as lost.
    await run.write("closeLeases", () => closeLeases([...leases])).catch(() => {});
    throw error;
  }
  const { items, givenBack } = claimed;
  if (givenBack.length > 0) {
    for (const { lease } of items) leases.delete(lease);
    await run
      .write("settle", function* () {
        yield* settle(request.queue, givenBack, now());
        yield* closeLeases([...leases]);
      })
      // The other items are the caller's whatever becomes of these, which a sweep finds at the latest.
      .catch(() => {});
  }
  return { items, more: picked.more };
}
