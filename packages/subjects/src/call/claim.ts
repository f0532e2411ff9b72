import { type Subject, toSubject } from "../subject.ts";
import { requireWhole } from "./check.ts";
import type { CallPlace } from "./place.ts";
import type { ClaimDueSubjects } from "./requests.ts";

const most = 1_000;
/** The longest lease, in milliseconds: 7 days. */
export const longestLeaseMs = 604_800_000;

export async function claimDueSubjects(
  place: CallPlace,
  { dispatcherId, leaseMs, limit = 10 }: ClaimDueSubjects<string>,
): Promise<readonly Subject<never, never>[]> {
  const call = "claimDueSubjects";
  const { queue } = place.poolOf(call, dispatcherId);
  requireWhole(call, "leaseMs", leaseMs, 1, longestLeaseMs);
  requireWhole(call, "limit", limit, 1, most);
  const { owner } = place.internals;
  const items = await place.run(queue, (pull, tx) => pull.pull({ queue, limit, leaseMs, owner }, tx));
  return items.map((item) => toSubject(dispatcherId, item));
}
