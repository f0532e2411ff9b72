import { type ClaimedItem, type ClaimRequest, released, type Settlement } from "@sherd/core";
import type { Script } from "../script.ts";
import { claimableParams, type ClaimableRow, claimableSql } from "./claimable.ts";
import { closeLeases } from "./close-leases.ts";

export interface Picked {
  /** In claim order. */
  readonly items: readonly PickedItem[];
  readonly more: boolean;
}

interface PickedItem {
  readonly seq: number;
  readonly revision: number;
  readonly lease: string;
}

export interface Claimed {
  /** In claim order. */
  readonly items: readonly ClaimedItem[];
  /** Gives back what was replaced, or asked to stop, before it was begun. */
  readonly givenBack: readonly Settlement[];
}

/**
 * Pick items and write their leases. Locks: the database's one write lock, taken by BEGIN IMMEDIATE before the first
 * read, which serializes the claims of all queues; in a deferred transaction two claims could read the same items as
 * free. Isolation: none beyond that lock. Indexes: see `claimableSql`. Items are not written.
 */
export function* claim(
  request: ClaimRequest,
  closed: readonly string[],
  now: number,
  randomId: () => string,
): Script<Picked> {
  if (closed.length > 0) yield* closeLeases(closed);
  const rows = (yield {
    name: "pick",
    sql: claimableSql,
    params: claimableParams(request.queue, request.names, lostBelow(request), request.limit),
  }) as readonly ClaimableRow[];
  const leases = leasesOf(rows, request.suspects?.lostFrom ?? Infinity, randomId);
  if (leases.length > 0) {
    yield {
      name: "insert-leases",
      sql: `
INSERT INTO sherd_lease (id, queue, owner, expires_at, created_at, items, revisions)
SELECT value ->> 0, ?, ?, ?, ?, value -> 1, value -> 2 FROM json_each(?)`,
      params: [
        request.queue,
        request.owner,
        now + request.leaseMs,
        now,
        JSON.stringify(withRevisions(leases, rows)),
      ],
    };
  }
  const leaseOf = new Map(leases.flatMap(([id, items]) => items.map((seq) => [seq, id] as const)));
  const items = rows.flatMap(([seq, , , revision]) => {
    const lease = leaseOf.get(seq);
    return lease === undefined ? [] : [{ seq, revision, lease }];
  });
  return { items, more: rows.length === request.limit };
}

/**
 * Read what was claimed: in the claim's transaction, or after the lock is gone, as over a network the payloads may take
 * their time. Index: the primary key. An item that ended or vanished in between is left out.
 */
export function* readClaimed(picked: Picked): Script<Claimed> {
  const rows = (yield {
    name: "read-bodies",
    sql: `
SELECT i.seq, i.id, i.name, i.revision, i.failures, i.lost, i.max_attempts, i.concurrency_key, i.retry, i.timeout_ms, i.body, i.trace, i.created_at, i.cancel
FROM sherd_item i WHERE i.seq IN (SELECT value FROM json_each(?)) AND i.state <> 'done'`,
    params: [JSON.stringify(picked.items.map(({ seq }) => seq))],
  }) as readonly ClaimedRow[];
  const bySeq = new Map(rows.map((row) => [row[0], row]));
  const items: ClaimedItem[] = [];
  const givenBack: Settlement[] = [];
  for (const { seq, revision, lease } of picked.items) {
    const row = bySeq.get(seq);
    if (row === undefined) continue;
    const isCancelRequested = row[13] === 1;
    if (row[3] === revision && !isCancelRequested) items.push(toClaimedItem(row, lease));
    else givenBack.push(released({ id: row[1], lease, revision }));
  }
  return { items, givenBack };
}

/** With the revisions of those that are not their first: few, as a rule none. */
function withRevisions(
  leases: readonly (readonly [id: string, items: readonly number[]])[],
  rows: readonly ClaimableRow[],
): readonly (readonly [id: string, items: readonly number[], revisions: Readonly<Record<string, number>>])[] {
  const replaced = new Map(rows.flatMap(([seq, , , revision]) => (revision > 0 ? [[seq, revision]] : [])));
  return leases.map(([id, items]) => [
    id,
    items,
    Object.fromEntries(items.flatMap((seq) => (replaced.has(seq) ? [[seq, replaced.get(seq) ?? 0]] : []))),
  ]);
}

/** The losses from which items are left out: those of suspects, when none may come. */
function lostBelow({ suspects }: ClaimRequest): number {
  return suspects === undefined || suspects.takesOne ? Number.MAX_SAFE_INTEGER : suspects.lostFrom;
}

/** Of several items with one concurrency key, and of suspects, the first; what was lost before gets a lease of its own. */
function leasesOf(
  rows: readonly ClaimableRow[],
  suspectFrom: number,
  randomId: () => string,
): [id: string, items: number[]][] {
  const keys = new Set<string>();
  let hasSuspect = false;
  const together: number[] = [];
  const alone: number[] = [];
  for (const [seq, key, lost] of rows) {
    if (key !== null && keys.has(key)) continue;
    // Also that of a suspect which is left behind: the next one of its key must not overtake it.
    if (key !== null) keys.add(key);
    if (lost >= suspectFrom && hasSuspect) continue;
    hasSuspect ||= lost >= suspectFrom;
    (lost === 0 ? together : alone).push(seq);
  }
  const groups = alone.map((seq) => [seq]);
  if (together.length > 0) groups.push(together);
  return groups.map((items) => [randomId(), items]);
}

type ClaimedRow = readonly [
  seq: number,
  id: string,
  name: string,
  revision: number,
  failures: number,
  lost: number,
  maxAttempts: number,
  concurrencyKey: string | null,
  retry: string,
  timeoutMs: number | null,
  body: string,
  trace: string | null,
  createdAt: number,
  cancel: number,
];

function toClaimedItem(row: ClaimedRow, lease: string): ClaimedItem {
  const [, id, name, revision, failures, lost, maxAttempts, concurrencyKey, ...rest] = row;
  const [retry, timeoutMs, body, trace, createdAt] = rest;
  return {
    id,
    lease,
    name,
    revision,
    failures,
    lost,
    maxAttempts,
    concurrencyKey,
    retry,
    timeoutMs,
    body,
    trace,
    createdAt,
  };
}
