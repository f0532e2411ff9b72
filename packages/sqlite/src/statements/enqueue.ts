import { type KeyConflict, type NewItem, SherdError } from "@sherd/core";
import type { Session, SqlValue } from "../connection.ts";
import type { Script } from "../script.ts";
import { inJsonParts } from "./json-parts.ts";
import { type Line, unblockNext } from "./unblock-next.ts";

/** In the order of `toParams`. */
const columns = [
  "id",
  "queue",
  "name",
  "key",
  "state",
  "at",
  "priority",
  "concurrency_key",
  "release_key_on_retry",
  "retry",
  "max_attempts",
  "timeout_ms",
  "body",
  "trace",
  "created_at",
  "revision",
];

const insertOneSql = `INSERT INTO sherd_item (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;

const insertManySql = `
INSERT INTO sherd_item (${columns.join(", ")})
SELECT ${columns.map((_, index) => `value ->> ${index}`).join(", ")} FROM json_each(?)`;

type Costs = Pick<Session, "local" | "paysByRow">;

/** An item to insert, or the payload that replaces another's; `replacements` says how often it was replaced. */
interface Draft {
  item: NewItem;
  replacements: number;
}

/**
 * Insert items, and settle what happens to those whose key is taken. Locks: the write lock, by the first statement
 * that writes when the caller's transaction did not begin with it. In such a deferred transaction the holders of the
 * keys are read before: should another writer come in between, SQLite refuses the lock (SQLITE_BUSY_SNAPSHOT) rather
 * than let the reading go stale, and the unique index stands behind it. What was blocked behind
 * one that is replaced is made ready. Indexes: `sherd_item_key` to find holders, `sherd_item_blocked`.
 */
export function* enqueue(
  items: readonly NewItem[],
  now: number,
  costs: Costs,
): Script<readonly KeyConflict[]> {
  const holders = yield* findHolders(items);
  const inserts: Draft[] = [];
  const updates = new Map<string, Draft>();
  const conflicts: KeyConflict[] = [];
  const lines: Line[] = [];
  for (const item of items) {
    const slot = slotOf(item);
    const holder = slot === null ? undefined : holders.get(slot);
    if (holder === undefined) {
      const draft = { item, replacements: 0 };
      inserts.push(draft);
      if (slot !== null) holders.set(slot, { id: item.id, draft });
      continue;
    }
    if (item.onConflict === "error") throw keyConflict(item, holder.id);
    const resolution = item.onConflict === "ignore" ? "ignored" : "replaced";
    conflicts.push({ id: item.id, existingId: holder.id, resolution });
    if (resolution === "ignored") continue;
    holder.draft ??= { item, replacements: 0 };
    // The concurrency key stays: an attempt that runs meanwhile occupies it. (Of a stored item it is not written.)
    const { concurrencyKey, releaseKeyOnRetry } = holder.draft.item;
    holder.draft.item = { ...item, id: holder.id, concurrencyKey, releaseKeyOnRetry };
    holder.draft.replacements++;
    if (holder.isStored === true) updates.set(holder.id, holder.draft);
    if (holder.line) lines.push(holder.line);
  }
  if (inserts.length > 0) yield* insert(inserts, now, costs);
  if (updates.size > 0) yield* replace([...updates.values()], now);
  yield* unblockNext(lines);
  return conflicts;
}

interface Holder {
  readonly id: string;
  readonly isStored?: boolean;
  /** Where others may wait behind it. */
  readonly line?: Line | null;
  /** What will be written of it. */
  draft?: Draft;
}

function* findHolders(items: readonly NewItem[]): Script<Map<string, Holder>> {
  const keyed = items.filter(({ key }) => key !== null);
  if (keyed.length === 0) return new Map();
  const rows = (yield {
    name: "find-key-holders",
    sql: `
SELECT DISTINCT i.queue, i.key, i.id, CASE i.state WHEN 'ready' THEN i.concurrency_key END, i.name
FROM json_each(?) j CROSS JOIN sherd_item i INDEXED BY sherd_item_key
  ON i.queue = j.value ->> 0 AND i.key = j.value ->> 1 AND i.state <> 'done'`,
    params: [JSON.stringify(keyed.map(({ queue, key }) => [queue, key]))],
  }) as readonly HolderRow[];
  return new Map(
    rows.map(([queue, key, id, concurrencyKey, name]) => {
      const line: Line | null = concurrencyKey === null ? null : [queue, concurrencyKey, name];
      return [JSON.stringify([queue, key]), { id, isStored: true, line }];
    }),
  );
}

type HolderRow = readonly [queue: string, key: string, id: string, lineKey: string | null, name: string];

/** One at a time is twice as fast as taking them out of JSON, unless each is a round trip or a row that is billed. */
function* insert(drafts: readonly Draft[], now: number, { local, paysByRow }: Costs): Script<void> {
  const rows = drafts.map((draft) => toParams(draft, now));
  if (local && !paysByRow) {
    yield { name: "insert", sql: insertOneSql, each: rows };
    return;
  }
  for (const part of inJsonParts(rows)) {
    const [first] = part.rows;
    yield part.rows.length === 1 && first !== undefined
      ? { name: "insert", sql: insertOneSql, params: first }
      : { name: "insert", sql: insertManySql, params: [part.text] };
  }
}

function* replace(drafts: readonly Draft[], now: number): Script<void> {
  for (const { text } of inJsonParts(drafts.map((draft) => toParams(draft, now)))) {
    yield {
      name: "replace",
      sql: `
UPDATE sherd_item SET
  name = j.value ->> 2, state = j.value ->> 4, at = j.value ->> 5, priority = j.value ->> 6, gate = NULL,
  retry = j.value ->> 9,
  max_attempts = j.value ->> 10, timeout_ms = j.value ->> 11, body = j.value ->> 12, trace = j.value ->> 13,
  revision = revision + (j.value ->> 15), failures = 0, lost = 0, cancel = 0
FROM json_each(?) j WHERE sherd_item.id = j.value ->> 0`,
      params: [text],
    };
  }
}

function toParams({ item, replacements }: Draft, now: number): readonly SqlValue[] {
  const isTimed = item.dueAt !== null && item.dueAt > now;
  return [
    item.id,
    item.queue,
    item.name,
    item.key,
    isTimed ? "timed" : "ready",
    isTimed ? item.dueAt : null,
    item.priority,
    item.concurrencyKey,
    item.releaseKeyOnRetry ? 1 : 0,
    item.retry,
    item.maxAttempts,
    item.timeoutMs,
    item.body,
    item.trace,
    now,
    replacements,
  ];
}

function slotOf({ queue, key }: NewItem): string | null {
  return key === null ? null : JSON.stringify([queue, key]);
}

function keyConflict({ id, queue, key }: NewItem, existingId: string): SherdError<"KEY_CONFLICT"> {
  return new SherdError(
    "KEY_CONFLICT",
    `Cannot enqueue ${id} in "${queue}": the key "${key}" belongs to ${existingId}, which has not finished. Nothing of ` +
      `this batch was kept. Choose another key, or \`onConflict\` "ignore" or "replace".`,
    { queue, key: key ?? "", existingId },
  );
}
