import type { ItemFilter, ItemPage, ItemStatus } from "@sherd/core";
import type { SqlValue } from "../connection.ts";
import { invalidOption } from "../errors.ts";
import type { Script } from "../script.ts";
import { withHeld } from "./held.ts";
import { type HistoryPlace, listHistory } from "./list-history.ts";
import { itemColumns, toView, type ViewRow } from "./view.ts";

/** Where a page ended: the time or seq by which its list is ordered, and what tells equals apart. */
type Position = readonly number[];

/**
 * Read a page of items, newest first. Locks: none. Indexes: pending walks the table from its newest row back; processing
 * reads the leases; failed walks `sherd_item_done` backwards; the history has a file of its own.
 */
export function* list(queue: string, filter: ItemFilter): Script<ItemPage> {
  const { status, name, limit } = filter;
  const position = filter.cursor === null ? null : parseCursor(status, filter.cursor);
  if (status === "completed" || status === "cancelled") {
    const place = position === null ? null : toPlace(position);
    const { items, next } = yield* listHistory({ queue, outcome: status, name, limit }, place);
    const ends = next === null ? null : [next.finishedAt, next.seq, next.left];
    return { items, cursor: ends === null ? null : formatCursor(status, ends) };
  }
  const { sql, params } = pageOf(queue, status, name, position);
  const rows = (yield { name: "list", sql, params: [...params, limit + 1] }) as readonly ViewRow[];
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasNext = rows.length > limit && last !== undefined;
  return {
    items: page.map(toView),
    cursor: hasNext ? formatCursor(status, positionOf(last, status)) : null,
  };
}

type ListedStatus = Exclude<ItemStatus, "completed" | "cancelled">;

interface Query {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

function pageOf(
  queue: string,
  status: ListedStatus,
  name: string | undefined,
  position: Position | null,
): Query {
  const [first, second] = position ?? [];
  const named = name === undefined ? "" : "AND i.name = ?";
  const names = name === undefined ? [] : [name];
  const from = first ?? Number.MAX_SAFE_INTEGER;
  switch (status) {
    case "pending":
      return { sql: pendingSql(named), params: [queue, queue, from, ...names] };
    case "processing":
      return { sql: processingSql(named), params: [queue, from, ...names] };
    case "failed":
      return { sql: failedSql(named), params: [queue, from, second ?? Number.MAX_SAFE_INTEGER, ...names] };
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

function positionOf(row: ViewRow, status: ListedStatus): Position {
  const [at, seq] = [row[10], row[20]];
  return status === "failed" ? [at ?? 0, seq] : [seq, seq];
}

function toPlace([finishedAt = 0, seq = 0, left = 0]: Position): HistoryPlace {
  return { finishedAt, seq, left };
}

/** It names its list: a place in one means nothing in another. */
function formatCursor(status: ItemStatus, position: Position): string {
  return btoa(JSON.stringify([status, ...position]));
}

function parseCursor(status: ItemStatus, cursor: string): Position {
  try {
    const parts: unknown = JSON.parse(atob(cursor));
    const [list, ...position] = Array.isArray(parts) ? (parts as unknown[]) : [];
    const isWhole = position.length === (status === "completed" || status === "cancelled" ? 3 : 2);
    if (list === status && isWhole && position.every(Number.isSafeInteger)) return position as number[];
  } catch {
    // Falls through to the one error for every text that is none of ours.
  }
  throw invalidOption(
    "cursor",
    cursor,
    "Cannot list items: `cursor` is not one that an earlier page of this list answered with.",
  );
}
