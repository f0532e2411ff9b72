import type { PulledItem, PulledMove, PullMove, PullResult } from "@sherd/core";
import type { Script } from "../../script.ts";
import { inJsonParts } from "../json-parts.ts";
import { isActive, readByKey } from "./item.ts";

interface Accepted {
  readonly seq: number;
  readonly item: PulledItem;
  readonly move: PullMove;
}

/**
 * Change held items, each fenced by its revision. Locks: the write lock; in a caller's transaction as for `put`. Indexes:
 * `sherd_item_key`, `sherd_lease_item`, the primary keys.
 */
export function* move(queue: string, moves: readonly PullMove[], now: number): Script<readonly PulledMove[]> {
  const keys = moves.map(({ key }) => key);
  const known = yield* readByKey(queue, keys);
  const judged = moves.map((one) => {
    const pulled = known.get(one.key);
    return { one, pulled, result: judge(one, pulled?.item, now) };
  });
  const accepted = judged.flatMap(({ one, pulled, result }) =>
    result === "moved" && pulled !== undefined ? [{ ...pulled, move: one }] : [],
  );
  if (accepted.length > 0) yield* apply(accepted, now);
  const items = yield* readByKey(queue, keys);
  return judged.map(({ one, result }) => ({ result, item: items.get(one.key)?.item ?? null }));
}

function judge(one: PullMove, item: PulledItem | undefined, now: number): PullResult {
  if (item === undefined) return "missing";
  if (item.revision !== one.revision) return "conflict";
  if (!isActive(item)) return "idle";
  const isLive = item.leaseExpiresAt !== null && item.leaseExpiresAt > now;
  return one.needsLiveLease && !isLive ? "expired" : "moved";
}

function* apply(accepted: readonly Accepted[], now: number): Script<void> {
  for (const { text } of inJsonParts(accepted.map((one) => toRow(one, now))))
    yield { name: "move", sql: moveSql, params: [now, text] };
  const ended = accepted.filter(({ move: { endsLease } }) => endsLease).map(({ seq }) => seq);
  if (ended.length > 0) {
    yield {
      name: "let-go",
      sql: "DELETE FROM sherd_lease WHERE item IN (SELECT value FROM json_each(?))",
      params: [JSON.stringify(ended)],
    };
  }
  const renewed = accepted.flatMap(({ seq, move: { leaseMs } }) =>
    leaseMs === null ? [] : [[now + leaseMs, seq]],
  );
  if (renewed.length > 0) {
    yield { name: "renew", sql: "UPDATE sherd_lease SET expires_at = ? WHERE item = ?", each: renewed };
  }
}

function toRow({ seq, item, move: one }: Accepted, now: number): readonly unknown[] {
  const hasEnded = one.phase === "succeeded" || one.phase === "failed";
  return [
    seq,
    one.phase,
    stateAfter(one),
    dueAfter(one, item, now),
    one.body ?? null,
    one.memo ?? null,
    one.attempts === "reset" ? 0 : item.attempts - (one.attempts === "undone" ? 1 : 0),
    one.failures === "reset" ? 0 : item.failures + (one.failures === "counted" ? 1 : 0),
    one.lost === "reset" ? 0 : item.lost,
    one.error === null ? null : { ...one.error, attempt: item.attempts },
    hasEnded ? now : item.endedAt,
    one.phase === "succeeded" ? now : item.succeededAt,
  ];
}

/** A held item is ready; one that is let go of waits for its time. */
function stateAfter({ due, endsLease }: PullMove): "ready" | "timed" | "parked" {
  if (due?.kind === "never") return "parked";
  return due === null && !endsLease ? "ready" : "timed";
}

function dueAfter({ due }: PullMove, item: PulledItem, now: number): number | null {
  if (due?.kind === "at") return due.at;
  return due?.kind === "in" ? now + due.ms : item.dueAt;
}

const moveSql = `
UPDATE sherd_item SET phase = j.value ->> 1, state = j.value ->> 2, at = j.value ->> 3,
  body = coalesce(j.value ->> 4, body), memo = coalesce(j.value ->> 5, memo),
  attempts = j.value ->> 6, failures = j.value ->> 7, lost = j.value ->> 8,
  errors = CASE WHEN j.value ->> 1 = 'succeeded' THEN NULL WHEN j.value ->> 9 IS NULL THEN errors ELSE json_insert(
    CASE WHEN json_array_length(errors) >= 10 THEN json_remove(errors, '$[0]') ELSE coalesce(errors, '[]') END,
    '$[#]', json(j.value -> 9)
  ) END,
  ended_at = j.value ->> 10, succeeded_at = j.value ->> 11, revision = revision + 1, updated_at = ?
FROM json_each(?) j WHERE sherd_item.seq = j.value ->> 0`;
