import type { Claim, ClaimedItem, ClaimRequest } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { numberOrNull, onlyRow, parseArray, plainArray, textArray } from "../literal.ts";
import type { Row } from "../sessions/session.ts";
import { closeLeases } from "./close-leases.ts";
import { settle } from "./settle.ts";

/** Locks, index and isolation are those of `sherd_claim_v1` and `sherd_pick_v1`. */
const lease = `select ids, revisions, leases, candidates from sherd_claim_v1(
  $1::text, $2::text::text[], $3::integer, $4::float8, $5::text, $6::text::uuid[], $7::integer, $8::boolean)`;

/** More losses than an item can have. */
const never = 2 ** 31 - 1;

/**
 * After the queue's lock is released: a client that stops reading its bodies must hold up no other. Takes no locks;
 * the lease keeps the rows, except that they may be replaced meanwhile, or asked to stop.
 * Index: sherd_item_pkey.
 */
const readBodies = `select id::text as id, name, concurrency_key, revision, cancel, failures, lost, max_attempts, retry, timeout_ms,
  body::text as body, trace, extract(epoch from created_at)::float8 * 1000 as created_at
from sherd_item where id = any($1::text::uuid[]) and state <> 'done'`;

export async function claim(
  executor: Executor,
  request: ClaimRequest,
  closed: readonly string[],
): Promise<Claim> {
  const { queue, names, limit, leaseMs, owner, suspects = { lostFrom: never, takesOne: true } } = request;
  const suspectFrom = Math.min(suspects.lostFrom, never);
  const leaseParameters = [queue, textArray(names), limit, leaseMs, owner, plainArray(closed)];
  const parameters = [...leaseParameters, suspectFrom, suspects.takesOne];
  const leased = onlyRow(
    await executor.own("claim", () => executor.send("claim", "lease", lease, parameters)),
  );
  const listed = listedBy(leased);
  const more = Number(leased["candidates"]) >= limit;
  if (listed.length === 0) return { items: [], more };
  const items = await readClaimed(executor, queue, listed);
  return { items, more };
}

interface Listed {
  readonly id: string;
  readonly lease: string;
  readonly revision: number;
}

function listedBy(leased: Row): readonly Listed[] {
  const revisions = parseArray(leased["revisions"]);
  const leases = parseArray(leased["leases"]);
  return parseArray(leased["ids"]).map((id, index) => ({
    id,
    lease: String(leases[index]),
    revision: Number(revisions[index]),
  }));
}

async function readClaimed(
  executor: Executor,
  queue: string,
  listed: readonly Listed[],
): Promise<readonly ClaimedItem[]> {
  const leases = (those: readonly Listed[]) => [...new Set(those.map((item) => item.lease))];
  const ids = plainArray(listed.map(({ id }) => id));
  let rows: readonly Row[];
  try {
    rows = await executor.own("claim", () => executor.send("claim", "read-bodies", readBodies, [ids]));
  } catch (error) {
    // Nothing was begun, so nothing may be counted as lost.
    await closeLeases(executor, leases(listed)).catch(() => {});
    throw error;
  }
  const byId = new Map(rows.map((row) => [String(row["id"]), row]));
  const isOverrun = ({ id, revision }: Listed) => {
    const row = byId.get(id);
    return row !== undefined && (Number(row["revision"]) !== revision || row["cancel"] === true);
  };
  const overrun = listed.filter(isOverrun);
  const kept = listed.filter((item) => byId.has(item.id) && !isOverrun(item));
  if (overrun.length > 0) {
    const held = new Set(leases(kept));
    const empty = leases(overrun).filter((id) => !held.has(id));
    await giveBack(executor, queue, overrun, empty);
  }
  return kept.map((item) => claimedItem(byId.get(item.id) ?? {}, item.id, item.lease));
}

const released = {
  state: "ready",
  outcome: null,
  delayMs: null,
  gate: null,
  failed: false,
  lost: false,
  error: null,
} as const;

/** Take items off their leases that were replaced, or asked to stop, before they were begun: they wait again, or end as cancelled. */
async function giveBack(
  executor: Executor,
  queue: string,
  overrun: readonly Listed[],
  empty: readonly string[],
): Promise<void> {
  const outcomes = overrun.map((item) => ({ ...item, ...released }));
  // The other items are the caller's whatever becomes of these, which a sweep finds at the latest.
  await settle(executor, queue, outcomes).catch(() => {});
  await closeLeases(executor, empty).catch(() => {});
}

function claimedItem(row: Row, id: string, leaseId: string): ClaimedItem {
  return {
    id,
    lease: leaseId,
    name: String(row["name"]),
    concurrencyKey: row["concurrency_key"] as string | null,
    revision: Number(row["revision"]),
    failures: Number(row["failures"]),
    lost: Number(row["lost"]),
    maxAttempts: Number(row["max_attempts"]),
    retry: String(row["retry"]),
    timeoutMs: numberOrNull(row["timeout_ms"]),
    body: String(row["body"]),
    trace: row["trace"] as string | null,
    createdAt: Math.round(Number(row["created_at"])),
  };
}
