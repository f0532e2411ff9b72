import type { ItemFilter, ItemPage, ItemStatus } from "@sherd/core";
import type { SqlValue } from "../connection.ts";
import { invalidOption } from "../errors.ts";
import type { Script } from "../script.ts";
import { withHeld } from "./held.ts";
import { historyColumns, itemColumns, toView, type ViewRow } from "./view.ts";

/** Where a page ended: the time or seq by which its list is ordered, and what tells equals apart. */
type Position = readonly [number, number | string];

/**
 * Read a page of items, newest first. Locks: none. Indexes: pending walks the table from its newest row back; processing
 * reads the leases; failed walks `sherd_item_done`, the history `sherd_history_finished`, both backwards.
 */
export function* list(queue: string, filter: ItemFilter): Script<ItemPage> {
  const position = filter.cursor === null ? null : parseCursor(filter.status, filter.cursor);
  const { sql, params } = pageOf(queue, filter, position);
  const rows = (yield { name: "list", sql, params: [...params, filter.limit + 1] }) as readonly ViewRow[];
  const page = rows.slice(0, filter.limit);
  const last = page.at(-1);
  const hasNext = rows.length > filter.limit && last !== undefined;
  return {
    items: page.map(toView),
    cursor: hasNext ? formatCursor(filter.status, positionOf(last, filter)) : null,
  };
}

interface Query {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

function pageOf(queue: string, { status, name }: ItemFilter, position: Position | null): Query {
  const [first, second] = position ?? [Number.MAX_SAFE_INTEGER, null];
  const named = name === undefined ? "" : "AND i.name = ?";
  const names = name === undefined ? [] : [name];
  switch (status) {
    case "pending":
      return { sql: pendingSql(named), params: [queue, queue, first, ...names] };
    case "processing":
      return { sql: processingSql(named), params: [queue, first, ...names] };
    case "failed":
      return { sql: failedSql(named), params: [queue, first, second ?? Number.MAX_SAFE_INTEGER, ...names] };
    case "completed":
    case "cancelled":
      // No id sorts after this character.
      return { sql: historySql(named), params: [queue, status, first, second ?? "~", ...names] };
  }
}

const pendingSql = (named: string) => `
WITH ${withHeld}
SELECT ${itemColumns} FROM sherd_item i
WHERE i.queue = ? AND i.state <> 'done' AND i.seq < ? AND i.seq NOT IN held ${named}
ORDER BY i.seq DESC LIMIT ?`;

const processingSql = (named: string) => `
SELECT ${itemColumns}
FROM sherd_lease holder CROSS JOIN json_each(holder.items) entry CROSS JOIN sherd_item i ON i.seq = entry.value
WHERE holder.queue = ? AND i.state <> 'done' AND i.seq < ? ${named}
ORDER BY i.seq DESC LIMIT ?`;

const failedSql = (named: string) => `
SELECT ${itemColumns} FROM sherd_item i INDEXED BY sherd_item_done
WHERE i.queue = ? AND i.state = 'done' AND (i.at, i.seq) < (?, ?) ${named}
ORDER BY i.at DESC, i.seq DESC LIMIT ?`;

const historySql = (named: string) => `
SELECT ${historyColumns} FROM sherd_history i INDEXED BY sherd_history_finished
WHERE i.queue = ? AND i.outcome = ? AND (i.finished_at, i.id) < (?, ?) ${named}
ORDER BY i.finished_at DESC, i.id DESC LIMIT ?`;

function positionOf(row: ViewRow, { status }: ItemFilter): Position {
  const [id, , , , , , , , , , at] = row;
  const seq = row[20] ?? 0;
  if (status === "pending" || status === "processing") return [seq, seq];
  return [at ?? 0, status === "failed" ? seq : id];
}

/** It names its list: a place in one means nothing in another. */
function formatCursor(status: ItemStatus, position: Position): string {
  return btoa(JSON.stringify([status, ...position]));
}

function parseCursor(status: ItemStatus, cursor: string): Position {
  try {
    const parts: unknown = JSON.parse(atob(cursor));
    if (Array.isArray(parts) && parts.length === 3 && parts[0] === status && typeof parts[1] === "number") {
      return parts.slice(1) as unknown as Position;
    }
  } catch {
    // Falls through to the one error for every text that is none of ours.
  }
  throw invalidOption(
    "cursor",
    cursor,
    "Cannot list items: `cursor` is not one that an earlier page of this list answered with.",
  );
}
