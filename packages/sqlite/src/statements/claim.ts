import { type ClaimedItem, type ClaimRequest, released, type Settlement } from "@sherd/core";
import type { Session } from "../connection.ts";
import type { Script } from "../script.ts";
import { closeLeases } from "./close-leases.ts";
import { type FreeRow, pick } from "./pick.ts";
import { type Line, unblockNext } from "./unblock-next.ts";

export interface Picked {
  /** In claim order. */
  readonly items: readonly PickedItem[];
  readonly more: boolean;
}

interface PickedItem {
  readonly row: FreeRow;
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
 * free. Isolation: none beyond that lock. Indexes: see `pick` and `unblockNext`. Items are not written but where many
 * wait behind others of their concurrency key.
 */
export function* claim(
  request: ClaimRequest,
  closed: readonly string[],
  now: number,
  { randomId, ...costs }: { readonly randomId: () => string } & Pick<Session, "local" | "paysByRow">,
): Script<Picked> {
  if (closed.length > 0) yield* closeLeases(closed);
  const { rows, hasBlocked } = yield* pick(request, costs);
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
  const items: PickedItem[] = [];
  for (const row of rows) {
    const lease = leaseOf.get(row[0]);
    if (lease !== undefined) items.push({ row, lease });
  }
  if (hasBlocked) yield* unblockNext(linesOf(request.queue, items));
  return { items, more: rows.length === request.limit };
}

/** Whether all was read that a claim hands out. */
export function isRead({ items }: Picked): boolean {
  return items.every(({ row }) => row[11] !== null);
}

/** What was claimed, once all of it is read. */
export function toClaimedItems({ items }: Picked): readonly ClaimedItem[] {
  return items.map(({ row, lease }) => toClaimedItem(row, lease, row[11] ?? "", row[12]));
}

/**
 * Read the bodies that the claim has left, after the lock is gone: over a network, or being large, they may take their
 * time. Index: the primary key. An item that ended or vanished in between is left out.
 */
export function* readClaimed(picked: Picked): Script<Claimed> {
  const unread = picked.items.filter(({ row }) => row[11] === null);
  const rows = (yield {
    name: "read-bodies",
    sql: `
SELECT i.seq, i.revision, i.cancel, i.body, i.trace
FROM sherd_item i WHERE i.seq IN (SELECT value FROM json_each(?)) AND i.state <> 'done'`,
    params: [JSON.stringify(unread.map(({ row }) => row[0]))],
  }) as readonly BodyRow[];
  const bySeq = new Map(rows.map((row) => [row[0], row]));
  const items: ClaimedItem[] = [];
  const givenBack: Settlement[] = [];
  for (const { row, lease } of picked.items) {
    const [seq, , , revision, id, , , , , , , read, trace] = row;
    if (read !== null) {
      items.push(toClaimedItem(row, lease, read, trace));
      continue;
    }
    const body = bySeq.get(seq);
    if (body === undefined) continue;
    const isStill = body[1] === revision && body[2] === 0;
    if (isStill) items.push(toClaimedItem(row, lease, body[3], body[4]));
    else givenBack.push(released({ id, lease, revision }));
  }
  return { items, givenBack };
}

type BodyRow = readonly [seq: number, revision: number, cancel: number, body: string, trace: string | null];

/** With the revisions of those that are not their first: few, as a rule none. */
function withRevisions(
  leases: readonly (readonly [id: string, items: readonly number[]])[],
  rows: readonly FreeRow[],
): readonly (readonly [id: string, items: readonly number[], revisions: Readonly<Record<string, number>>])[] {
  const replaced = new Map(rows.flatMap(([seq, , , revision]) => (revision > 0 ? [[seq, revision]] : [])));
  if (replaced.size === 0) return leases.map(([id, items]) => [id, items, {}]);
  return leases.map(([id, items]) => [
    id,
    items,
    Object.fromEntries(items.flatMap((seq) => (replaced.has(seq) ? [[seq, replaced.get(seq) ?? 0]] : []))),
  ]);
}

/** What others may be blocked behind. */
function linesOf(queue: string, items: readonly PickedItem[]): readonly Line[] {
  return items.flatMap(({ row: [, concurrencyKey, , , , name] }) =>
    concurrencyKey === null ? [] : [[queue, concurrencyKey, name] as const],
  );
}

/** Of several items with one concurrency key, and of suspects, the first; what was lost before gets a lease of its own. */
function leasesOf(
  rows: readonly FreeRow[],
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

function toClaimedItem(row: FreeRow, lease: string, body: string, trace: string | null): ClaimedItem {
  const [, concurrencyKey, lost, revision, id, name, failures, maxAttempts, retry, timeoutMs, createdAt] =
    row;
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
