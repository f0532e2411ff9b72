import type { AttemptError, ItemState } from "@sherd/core";
import type { Script } from "../script.ts";
import { inJsonParts } from "./json-parts.ts";

/** What becomes of one item's row; a counter is what it is afterwards. */
export interface Change {
  readonly seq: number;
  readonly state: ItemState;
  readonly at: number | null;
  readonly gate: string | null;
  readonly outcome: "failed" | null;
  readonly attempts: number;
  readonly failures: number;
  readonly lost: number;
  /** Appended to the last nine. */
  readonly error: AttemptError | null;
}

/** Write changes of items in place. Locks: the write lock, held since the items were read. Index: the primary key. */
export function* changeItems(changes: readonly Change[]): Script<void> {
  const rows = changes.map((change) => [
    change.seq,
    change.state,
    change.at,
    change.gate,
    change.outcome,
    change.attempts,
    change.failures,
    change.lost,
    change.error,
  ]);
  for (const { text } of inJsonParts(rows)) yield { name: "change-items", sql: changeSql, params: [text] };
}

const changeSql = `
UPDATE sherd_item SET
  state = j.value ->> 1, at = j.value ->> 2, gate = j.value ->> 3, outcome = j.value ->> 4,
  attempts = j.value ->> 5, failures = j.value ->> 6, lost = j.value ->> 7,
  errors = CASE WHEN j.value ->> 8 IS NULL THEN errors ELSE json_insert(
    CASE WHEN json_array_length(errors) >= 10 THEN json_remove(errors, '$[0]') ELSE coalesce(errors, '[]') END,
    '$[#]', json(j.value -> 8)
  ) END
FROM json_each(?) j WHERE sherd_item.seq = j.value ->> 0`;
