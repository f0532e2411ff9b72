import type { AttemptError, ItemView, Outcome } from "@sherd/core";
import type { Script } from "../script.ts";

/** In SQL: no JSON text has it in it, so payloads are kept as they are, without a byte to escape them. */
const separator = "\u001e";

/**
 * What `items` has of an item of which there is more to say than that it completed at its first attempt. Name, creation
 * and the maximum are all that the others have.
 */
const full = [
  "name",
  "created_at",
  "max_attempts",
  "attempts + (seq IN (SELECT value FROM json_each(?)))",
  "failures",
  "lost",
  "priority",
  "key",
  "concurrency_key",
  "errors",
  "trace",
];
const plain = full.slice(0, 3);

const insertSql = (fields: readonly string[]) => `
INSERT INTO sherd_history (queue, outcome, finished_at, first_id, last_id, count, ids, items, bodies)
SELECT ?, ?, ?, min(id), max(id), count(*), json_group_array(id),
  json_group_array(json_array(${fields.join(", ")})), group_concat(body, char(30))
FROM sherd_item WHERE seq IN (SELECT value FROM json_each(?))`;

/** Parameters: queue, outcome, the time, the items' seq as JSON. */
export const insertPlainSql = insertSql(plain);

/** Parameters: queue, outcome, the time, those whose last attempt was not counted yet, the items' seq; both as JSON. */
export const insertFullSql = insertSql(full);

/** The bytes of the body when that is all there is to an item that completes at its first attempt, else null. */
export const plainBytes = `
CASE WHEN attempts = 0 AND priority = 0 AND key IS NULL AND concurrency_key IS NULL AND errors IS NULL AND trace IS NULL
  THEN octet_length(body) END`;

/** One row of `sherd_history h`. */
export const batchColumns = "h.queue, h.outcome, h.finished_at, h.seq, h.ids, h.items, h.bodies";

export type BatchRow = readonly [
  queue: string,
  outcome: Outcome,
  finishedAt: number,
  seq: number,
  ids: string,
  items: string,
  bodies: string,
];

/** The items of a row, in trigger order. */
export function itemsOf([queue, outcome, finishedAt, , ids, items, bodies]: BatchRow): ItemView[] {
  const stored = JSON.parse(items) as StoredItem[];
  const texts = bodies.split(separator);
  return (JSON.parse(ids) as string[]).map((id, index) => ({
    id,
    queue,
    ...toStoredView(stored[index] as StoredItem),
    outcome,
    body: texts[index] ?? "null",
    finishedAt,
    ...finished,
  }));
}

type StoredItem = readonly [
  name: string,
  createdAt: number,
  maxAttempts: number,
  attempts?: number,
  failures?: number,
  lost?: number,
  priority?: number,
  key?: string | null,
  concurrencyKey?: string | null,
  errors?: string | null,
  trace?: string | null,
];

function toStoredView([name, createdAt, maxAttempts, attempts = 1, failures = 0, ...rest]: StoredItem) {
  const [lost = 0, priority = 0, key = null, concurrencyKey = null, errors = null, trace = null] = rest;
  return {
    name,
    createdAt,
    maxAttempts,
    attempts,
    failures,
    lost,
    priority,
    key,
    concurrencyKey,
    errors: errors === null ? [] : (JSON.parse(errors) as AttemptError[]),
    trace,
  };
}

const finished = {
  state: "done",
  revision: 0,
  held: false,
  owner: null,
  lease: null,
  claimedRevision: null,
  cancelRequested: false,
  dueAt: null,
} as const;

const withId = `
h.queue = ? AND h.last_id >= ? AND h.first_id <= ? AND instr(h.ids, '"' || ? || '"') > 0`;

/**
 * Find a finished item. Locks: none of its own. Index: `sherd_history_ids`, from the first row on that may have the id; of
 * a row that has ids on both sides of it, the list is looked through.
 */
export function* findInHistory(queue: string, id: string): Script<ItemView | null> {
  const [row] = (yield {
    name: "read-history",
    sql: `SELECT ${batchColumns} FROM sherd_history h INDEXED BY sherd_history_ids WHERE ${withId} LIMIT 1`,
    params: [queue, id, id, id],
  }) as readonly BatchRow[];
  return row === undefined ? null : (itemsOf(row).find((item) => item.id === id) ?? null);
}

/** Whether an item has finished, and not failed. Locks, index: as above. */
export function* isInHistory(queue: string, id: string): Script<boolean> {
  const rows = yield {
    name: "find-in-history",
    sql: `SELECT 1 FROM sherd_history h INDEXED BY sherd_history_ids WHERE ${withId} LIMIT 1`,
    params: [queue, id, id, id],
  };
  return rows.length > 0;
}
