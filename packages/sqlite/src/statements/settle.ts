import type { SettledItem, Settlement } from "@sherd/core";
import type { Script } from "../script.ts";
import { type Change, changeItems } from "./change.ts";
import { plainBytes } from "./history.ts";
import { type Move, moveToHistory } from "./move.ts";

/** An item as it stands under the lock. */
export interface HeldRow {
  readonly seq: number;
  readonly revision: number;
  readonly isCancelRequested: boolean;
  readonly state: Change["state"];
  readonly at: number | null;
  readonly gate: string | null;
  readonly attempts: number;
  readonly failures: number;
  readonly lost: number;
  readonly plainBytes: number | null;
}

/** What one outcome does under the fence. */
export interface Effect {
  readonly result: SettledItem["result"];
  readonly change: Change | null;
  readonly move: Move | null;
  /** The item waits again, so its lease forgets it. One that ended stays listed: that costs no write. */
  readonly leavesLease: boolean;
}

/**
 * End attempts under the fence. Locks: the write lock, taken by BEGIN IMMEDIATE before the leases are read, so none of
 * them ends meanwhile; in a caller's deferred transaction SQLite refuses the write if one did. Indexes: the primary
 * key of the leases, `sherd_item_id`, then the primary key of the items. A batch of completed items is four
 * statements, whatever its size; items that go back add one for them and one for their leases.
 */
export function* settle(
  queue: string,
  outcomes: readonly Settlement[],
  now: number,
): Script<readonly SettledItem[]> {
  const leases = yield* readLeases(queue, outcomes);
  const rows = yield* readItems(queue, outcomes);
  const settled: SettledItem[] = [];
  const changes: Change[] = [];
  const moves: Move[] = [];
  const shrunk = new Set<string>();
  for (const outcome of outcomes) {
    const row = rows.get(outcome.id);
    const listed = leases.get(outcome.lease);
    if (row === undefined || listed === undefined || !listed.has(row.seq)) {
      settled.push({ id: outcome.id, result: "lost" });
      continue;
    }
    // An id that comes twice ends once.
    rows.delete(outcome.id);
    const effect = effectOf(outcome, row, now);
    if (effect.change !== null) changes.push(effect.change);
    if (effect.move !== null) moves.push(effect.move);
    if (effect.leavesLease && listed.delete(row.seq)) shrunk.add(outcome.lease);
    settled.push({ id: outcome.id, result: effect.result });
  }
  yield* changeItems(changes);
  yield* moveToHistory(queue, moves, now);
  if (shrunk.size > 0) yield* writeLists([...shrunk].map((id) => [id, [...(leases.get(id) ?? [])]]));
  return settled;
}

/** The effect of one outcome whose lease still lists its item. */
export function effectOf(outcome: Settlement, row: HeldRow, now: number): Effect {
  const isCounted = outcome.failed || outcome.lost || outcome.outcome === "completed";
  const counters = {
    attempts: row.attempts + (isCounted ? 1 : 0),
    failures: row.failures + (outcome.failed ? 1 : 0),
    lost: row.lost + (outcome.lost ? 1 : 0),
  };
  const unmoved = { seq: row.seq, state: row.state, at: row.at, gate: row.gate, outcome: null };
  const isReplaced = row.revision !== outcome.revision && !row.isCancelRequested;
  if (isReplaced) {
    const change = { ...unmoved, attempts: counters.attempts, failures: 0, lost: 0, error: outcome.error };
    return { result: "replaced", change, move: null, leavesLease: true };
  }
  const endsAs = row.isCancelRequested ? "cancelled" : outcome.state === "done" ? outcome.outcome : null;
  if (endsAs === "completed" || endsAs === "cancelled") {
    // What the history takes over from the row is written there first; the one attempt of a success is not worth it.
    const change =
      outcome.failed || outcome.lost || outcome.error !== null
        ? { ...unmoved, ...counters, error: outcome.error }
        : null;
    const isPlain = endsAs === "completed" && change === null;
    const move = {
      seq: row.seq,
      outcome: endsAs,
      counts: isCounted && change === null,
      plainBytes: isPlain ? row.plainBytes : null,
    };
    return { result: row.isCancelRequested ? "cancelled" : "settled", change, move, leavesLease: false };
  }
  const at = outcome.state === "done" ? now : outcome.state === "timed" ? now + (outcome.delayMs ?? 0) : null;
  const gate = outcome.state === "parked" ? outcome.gate : null;
  const change: Change = {
    seq: row.seq,
    state: outcome.state,
    at,
    gate,
    outcome: endsAs,
    ...counters,
    error: outcome.error,
  };
  return { result: "settled", change, move: null, leavesLease: outcome.state !== "done" };
}

function* readLeases(queue: string, outcomes: readonly Settlement[]): Script<Map<string, Set<number>>> {
  const ids = [...new Set(outcomes.map(({ lease }) => lease))];
  const rows = (yield {
    name: "read-leases",
    sql: "SELECT id, items FROM sherd_lease WHERE id IN (SELECT value FROM json_each(?)) AND +queue = ?",
    params: [JSON.stringify(ids), queue],
  }) as readonly (readonly [id: string, items: string])[];
  return new Map(rows.map(([id, items]) => [id, new Set(JSON.parse(items) as number[])]));
}

function* readItems(queue: string, outcomes: readonly Settlement[]): Script<Map<string, HeldRow>> {
  const rows = (yield {
    name: "read-items",
    sql: `
SELECT id, seq, revision, cancel, state, at, gate, attempts, failures, lost, ${plainBytes} FROM sherd_item
WHERE id IN (SELECT value FROM json_each(?)) AND queue = ? AND state <> 'done'`,
    params: [JSON.stringify(outcomes.map(({ id }) => id)), queue],
  }) as readonly ItemRow[];
  return new Map(rows.map((row) => [row[0], toHeldRow(row)]));
}

type ItemRow = readonly [
  id: string,
  seq: number,
  revision: number,
  cancel: number,
  state: Change["state"],
  at: number | null,
  gate: string | null,
  attempts: number,
  failures: number,
  lost: number,
  plainBytes: number | null,
];

function toHeldRow([, seq, revision, cancel, state, at, gate, attempts, ...rest]: ItemRow): HeldRow {
  const [failures, lost, bytes] = rest;
  const isCancelRequested = cancel === 1;
  return { seq, revision, isCancelRequested, state, at, gate, attempts, failures, lost, plainBytes: bytes };
}

/** Write what leases list from now on. */
export function* writeLists(
  lists: readonly (readonly [lease: string, seqs: readonly number[]])[],
): Script<void> {
  yield {
    name: "write-leases",
    sql: "UPDATE sherd_lease SET items = j.value -> 1 FROM json_each(?) j WHERE sherd_lease.id = j.value ->> 0",
    params: [JSON.stringify(lists)],
  };
}
