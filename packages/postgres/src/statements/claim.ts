import { type Claim, type ClaimedItem, type ClaimRequest, released } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { isTooLarge } from "../failure.ts";
import { onlyRow, plainArray, textArray } from "../literal.ts";
import { closeLeases } from "./close-leases.ts";
import { settle } from "./settle.ts";

/** Locks, index and isolation are those of `sherd_lease_v1` and `sherd_pick_v1`. */
const text = `call sherd_claim_v1(
  $1::text, $2::text::text[], $3::integer, $4::float8, $5::text, $6::text::uuid[], $7::integer, $8::boolean)`;

/** More losses than an item can have. */
const never = 2 ** 31 - 1;

/** Where the bodies of that many are too large for one answer, fewer are claimed. */
export async function claim(
  executor: Executor,
  request: ClaimRequest,
  closed: readonly string[],
): Promise<Claim> {
  try {
    return await claimUpTo(executor, request, closed);
  } catch (error) {
    if (request.limit === 1 || !isTooLarge(error)) throw error;
    return claim(executor, { ...request, limit: Math.ceil(request.limit / 2) }, closed);
  }
}

async function claimUpTo(
  executor: Executor,
  request: ClaimRequest,
  closed: readonly string[],
): Promise<Claim> {
  const { queue, names, limit, leaseMs, owner, suspects = { lostFrom: never, takesOne: true } } = request;
  const suspectFrom = Math.min(suspects.lostFrom, never);
  const leaseParameters = [queue, textArray(names), limit, leaseMs, owner, plainArray(closed)];
  const parameters = [...leaseParameters, suspectFrom, suspects.takesOne];
  const row = onlyRow(await executor.own("claim", () => executor.send("claim", "lease", text, parameters)));
  const [candidates, ids, revisions, leases, columns] = JSON.parse(String(row["claimed"])) as Claimed;
  const more = candidates >= limit;
  if (columns === null) return { items: [], more };
  const listed = ids.map((id, index) => ({
    id,
    lease: leases?.[index] ?? leases?.[0] ?? "",
    revision: revisions[index] ?? 0,
  }));
  return { items: await withoutOverrun(executor, queue, listed, columns), more };
}

/** As the procedure answers it. */
type Claimed = readonly [
  candidates: number,
  ids: readonly string[],
  revisions: readonly number[],
  leases: readonly string[] | null,
  columns: Columns | null,
];

type Columns = readonly [
  ids: readonly string[] | null,
  names: readonly string[],
  retries: readonly string[],
  maxAttempts: readonly number[],
  bodies: readonly string[],
  createdAt: readonly number[],
  unusual: readonly (Unusual | null)[] | null,
];

type Unusual = readonly [
  concurrencyKey: string | null,
  revision: number,
  cancel: boolean,
  failures: number,
  lost: number,
  timeoutMs: number | null,
  trace: string | null,
];

const usual: Unusual = [null, 0, false, 0, 0, null, null];

interface Listed {
  readonly id: string;
  readonly lease: string;
  readonly revision: number;
}

/** The claimed items, without those that were replaced, or asked to stop, between the claim and the reading. */
async function withoutOverrun(
  executor: Executor,
  queue: string,
  listed: readonly Listed[],
  columns: Columns,
): Promise<readonly ClaimedItem[]> {
  const [ids, , , , , , unusual] = columns;
  const rowOf = new Map(ids?.map((id, row) => [id, row]));
  const items: ClaimedItem[] = [];
  const overrun: Listed[] = [];
  for (const item of listed) {
    const row = rowOf.get(item.id);
    if (row === undefined) continue;
    const [, revision, cancel] = unusual?.[row] ?? usual;
    if (cancel || revision !== item.revision) overrun.push(item);
    else items.push(claimedItem(columns, row, item));
  }
  if (overrun.length > 0) {
    const held = new Set(items.map(({ lease }) => lease));
    const empty = new Set(overrun.map(({ lease }) => lease).filter((id) => !held.has(id)));
    await giveBack(executor, queue, overrun, [...empty]);
  }
  return items;
}

/**
 * Take items off their leases that were replaced, or asked to stop, before they were begun: they wait again, or end as
 * cancelled.
 */
async function giveBack(
  executor: Executor,
  queue: string,
  overrun: readonly Listed[],
  empty: readonly string[],
): Promise<void> {
  // The other items are the caller's whatever becomes of these, which a sweep finds at the latest.
  await settle(executor, queue, overrun.map(released)).catch(() => {});
  await closeLeases(executor, empty).catch(() => {});
}

function claimedItem(columns: Columns, row: number, { id, lease }: Listed): ClaimedItem {
  const [, names, retries, maxAttempts, bodies, createdAt, unusual] = columns;
  const [concurrencyKey, revision, , failures, lost, timeoutMs, trace] = unusual?.[row] ?? usual;
  return {
    id,
    lease,
    name: names[row] ?? "",
    concurrencyKey,
    revision,
    failures,
    lost,
    maxAttempts: maxAttempts[row] ?? 1,
    retry: retries[row] ?? "",
    timeoutMs,
    body: bodies[row] ?? "",
    trace,
    createdAt: Math.round((createdAt[row] ?? 0) * 1000),
  };
}
