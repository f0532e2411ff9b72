import type { ItemView } from "@sherd/core";
import type { Script } from "../script.ts";
import { batchColumns, type BatchRow, itemsOf } from "./history.ts";

/** Where a page of the history ended: in which row, and how many items of that are left. */
export interface HistoryPlace {
  readonly finishedAt: number;
  readonly seq: number;
  readonly left: number;
}

export interface HistoryFilter {
  readonly queue: string;
  readonly outcome: "completed" | "cancelled";
  readonly name: string | undefined;
  readonly limit: number;
}

interface Found {
  readonly item: ItemView;
  readonly place: HistoryPlace;
}

type Head = readonly [finishedAt: number, seq: number, count: number];

/**
 * Read a page of the history, newest first: which rows the page needs, then these. With a name, rows that have none of it are
 * passed over, and it goes on until the page is full. Locks: none; a row that is pruned in between is left out. Indexes:
 * `sherd_history_finished` backwards, then the primary key.
 */
export function* listHistory(
  filter: HistoryFilter,
  place: HistoryPlace | null,
): Script<{ readonly items: readonly ItemView[]; readonly next: HistoryPlace | null }> {
  const { limit } = filter;
  let from = place ?? newest;
  let isLast = false;
  const found: Found[] = [];
  while (found.length <= limit && !isLast) {
    const heads = yield* findHeads(filter, from);
    const chosen = choose(heads, limit + 1 - found.length, from);
    const rows = yield* readRows(chosen);
    for (const head of chosen) found.push(...itemsBelow(rows.get(head[1]), head, from, filter.name));
    isLast = chosen.length === heads.length && heads.length <= limit;
    const [finishedAt, seq] = chosen.at(-1) ?? [0, 0];
    from = { finishedAt, seq: seq - 1, left: Infinity };
  }
  const page = found.slice(0, limit);
  const next = found.length > limit ? (page.at(-1)?.place ?? null) : null;
  return { items: page.map(({ item }) => item), next };
}

const newest: HistoryPlace = {
  finishedAt: Number.MAX_SAFE_INTEGER,
  seq: Number.MAX_SAFE_INTEGER,
  left: Infinity,
};

function* findHeads(
  { queue, outcome, name, limit }: HistoryFilter,
  from: HistoryPlace,
): Script<readonly Head[]> {
  const named = name === undefined ? "" : "AND instr(h.items, json_quote(?)) > 0";
  const names = name === undefined ? [] : [name];
  return (yield {
    name: "find-batches",
    sql: `
SELECT h.finished_at, h.seq, h.count FROM sherd_history h INDEXED BY sherd_history_finished
WHERE h.queue = ? AND h.outcome = ? AND (h.finished_at, h.seq) <= (?, ?) ${named}
ORDER BY h.finished_at DESC, h.seq DESC LIMIT ?`,
    params: [queue, outcome, from.finishedAt, from.seq, ...names, limit + 1],
  }) as readonly Head[];
}

/** The first of them that have so many items, if all of these are wanted. */
function choose(heads: readonly Head[], items: number, from: HistoryPlace): readonly Head[] {
  let missing = items;
  const enough = heads.findIndex((head) => (missing -= leftOf(head, from)) <= 0);
  return enough === -1 ? heads : heads.slice(0, enough + 1);
}

function* readRows(heads: readonly Head[]): Script<ReadonlyMap<number, BatchRow>> {
  if (heads.length === 0) return new Map();
  const rows = (yield {
    name: "list",
    sql: `SELECT ${batchColumns} FROM sherd_history h WHERE h.seq IN (SELECT value FROM json_each(?))`,
    params: [JSON.stringify(heads.map(([, seq]) => seq))],
  }) as readonly BatchRow[];
  return new Map(rows.map((row) => [row[3], row]));
}

function itemsBelow(
  row: BatchRow | undefined,
  head: Head,
  from: HistoryPlace,
  name: string | undefined,
): Found[] {
  if (row === undefined) return [];
  const [finishedAt, seq] = head;
  return itemsOf(row)
    .slice(0, leftOf(head, from))
    .map((item, left) => ({ item, place: { finishedAt, seq, left } }))
    .filter(({ item }) => name === undefined || item.name === name)
    .toReversed();
}

/** How many items of a row are at or after a place. */
function leftOf([finishedAt, seq, count]: Head, from: HistoryPlace): number {
  return finishedAt === from.finishedAt && seq === from.seq ? Math.min(from.left, count) : count;
}
