import type { LostItem, Sweep } from "@sherd/core";
import type { Script } from "../script.ts";
import { type Change, changeItems } from "./change.ts";
import { type Move, moveToHistory } from "./move.ts";

/**
 * Promote what is due and end expired leases. Locks: the write lock, taken by BEGIN IMMEDIATE before the first read, so
 * each lease is ended by one sweep, and no settle comes in between. Indexes: `sherd_item_timed`, `sherd_lease_queue`,
 * the primary keys. A sweep that finds nothing writes nothing, so it wakes no other process.
 */
export function* sweep(queue: string, limit: number, maxLost: number, now: number): Script<Sweep> {
  const promoted = yield { name: "promote", sql: promoteSql, params: [queue, now, limit] };
  const expired = (yield {
    name: "end-leases",
    sql: endLeasesSql,
    params: [queue, now, limit],
  }) as readonly (readonly [owner: string, items: string, revisions: string])[];
  const attempts = new Map(expired.flatMap(attemptsOf));
  const lost = attempts.size === 0 ? [] : yield* countLosses(queue, attempts, maxLost, now);
  return { promoted: promoted.length, lost, more: promoted.length === limit || expired.length === limit };
}

const promoteSql = `
UPDATE sherd_item SET state = 'ready' WHERE seq IN (
  SELECT seq FROM sherd_item INDEXED BY sherd_item_timed
  WHERE queue = ? AND state = 'timed' AND at <= ? ORDER BY at LIMIT ?
) RETURNING 1`;

const endLeasesSql = `
DELETE FROM sherd_lease WHERE id IN (
  SELECT id FROM sherd_lease INDEXED BY sherd_lease_queue WHERE queue = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?
) RETURNING owner, items, revisions`;

/** What an expired lease says of one item. */
interface LostAttempt {
  readonly owner: string;
  /** The one that was claimed. */
  readonly revision: number;
}

function attemptsOf([owner, items, revisions]: readonly [
  owner: string,
  items: string,
  revisions: string,
]): readonly (readonly [seq: number, attempt: LostAttempt])[] {
  const revisionOf = JSON.parse(revisions) as Readonly<Record<string, number>>;
  return (JSON.parse(items) as number[]).map((seq) => [seq, { owner, revision: revisionOf[seq] ?? 0 }]);
}

function* countLosses(
  queue: string,
  attempts: ReadonlyMap<number, LostAttempt>,
  maxLost: number,
  now: number,
): Script<readonly LostItem[]> {
  const rows = (yield {
    name: "read-lost",
    sql: `
SELECT seq, id, name, cancel, state, at, gate, attempts, failures, lost, max_attempts, revision FROM sherd_item
WHERE seq IN (SELECT value FROM json_each(?)) AND state <> 'done' ORDER BY seq`,
    params: [JSON.stringify([...attempts.keys()])],
  }) as readonly LostRow[];
  const effects = rows.flatMap((row) => {
    const attempt = attempts.get(row[0]);
    return attempt === undefined ? [] : [lossOf(row, attempt, maxLost, now)];
  });
  yield* changeItems(effects.map(({ change }) => change));
  yield* moveToHistory(
    queue,
    effects.flatMap(({ move }) => (move === null ? [] : [move])),
    now,
  );
  return effects.map(({ lostItem }) => lostItem);
}

type LostRow = readonly [
  seq: number,
  id: string,
  name: string,
  cancel: number,
  state: Change["state"],
  at: number | null,
  gate: string | null,
  attempts: number,
  failures: number,
  lost: number,
  maxAttempts: number,
  revision: number,
];

/**
 * What a loss makes of an item. Of one that was replaced since, it was the payload before that was lost: the loss counts
 * among the attempts alone.
 */
export function lossOf(
  row: LostRow,
  { owner, revision: claimedRevision }: LostAttempt,
  maxLost: number,
  now: number,
): { readonly lostItem: LostItem; readonly change: Change; readonly move: Move | null } {
  const [seq, id, name, cancel, state, at, gate, attempts, failures, lostBefore, maxAttempts, revision] = row;
  const isReplaced = revision !== claimedRevision;
  const lost = isReplaced ? lostBefore : lostBefore + 1;
  const counters = { attempts: attempts + 1, failures, lost };
  const error = {
    at: now,
    attempt: failures + lostBefore + 1,
    name: "LostAttempt",
    message: isReplaced
      ? `The lease of "${owner}" expired during an attempt of ${id} at a payload that was replaced since. Its process died or stalled.`
      : `The lease of "${owner}" expired during attempt ${failures + lost} of ${id}, which makes ${lost} lost. Its process died or stalled.`,
    code: "LOST",
  };
  const unmoved: Change = { seq, state, at, gate, outcome: null, ...counters, error };
  if (cancel === 1) {
    const move: Move = { seq, outcome: "cancelled", counts: false, plainBytes: null };
    return { lostItem: { id, name, owner, lost, end: "cancelled" }, change: unmoved, move };
  }
  if (isReplaced || (lost < maxLost && failures + lost < maxAttempts)) {
    return { lostItem: { id, name, owner, lost, end: "ready" }, change: unmoved, move: null };
  }
  const change: Change = { ...unmoved, state: "done", at: now, gate: null, outcome: "failed" };
  return { lostItem: { id, name, owner, lost, end: "failed" }, change, move: null };
}
