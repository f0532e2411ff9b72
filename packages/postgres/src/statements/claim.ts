import type { Claim, ClaimedItem, ClaimRequest } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { onlyRow, parseIds, plainArray, textArray, numberOrNull } from "../literal.ts";
import type { Row } from "../sessions/session.ts";

/** Locks, index and isolation are those of `sherd_claim_v1` and `sherd_pick_v1`. */
const lease = `select ids, leases, candidates from sherd_claim_v1(
  $1::text, $2::text::text[], $3::integer, $4::float8, $5::text, $6::text::uuid[], $7::integer, $8::boolean)`;

/** More losses than an item can have. */
const never = 2 ** 31 - 1;

/**
 * After the queue's lock is released: a client that stops reading its bodies must hold up no other. Takes no locks;
 * the lease keeps the rows, except that their keys may be replaced meanwhile, which is then what was claimed.
 * Index: sherd_item_pkey.
 */
const readBodies = `select id::text as id, name, concurrency_key, revision, failures, lost, max_attempts, retry, timeout_ms,
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
  const ids = parseIds(leased["ids"]);
  const leases = parseIds(leased["leases"]);
  const more = Number(leased["candidates"]) >= limit;
  if (ids.length === 0) return { items: [], more };
  const rows = await executor.own("claim", () =>
    executor.send("claim", "read-bodies", readBodies, [plainArray(ids)]),
  );
  const byId = new Map(rows.map((row) => [String(row["id"]), row]));
  const items = ids.flatMap((id, index) => {
    const row = byId.get(id);
    return row === undefined ? [] : [claimedItem(row, id, String(leases[index]))];
  });
  return { items, more };
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
