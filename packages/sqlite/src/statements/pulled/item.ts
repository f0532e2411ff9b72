import {
  type AttemptError,
  type PulledColumns,
  type PulledItem,
  pulledItem,
  type PullPhase,
} from "@sherd/core";
import type { SqlValue } from "../../connection.ts";
import type { Script } from "../../script.ts";

export interface Pulled {
  readonly seq: number;
  readonly item: PulledItem;
}

const columns = `
i.seq, i.id, i.key, i.phase, i.body, coalesce(i.memo, 'null'), CASE WHEN i.state <> 'parked' THEN i.at END, l.owner, l.id,
l.expires_at, i.attempts, i.failures, i.lost, i.errors -> '$[#-1]', i.revision, i.started_at, i.ended_at, i.succeeded_at,
i.created_at, i.updated_at`;

/** Where the error is, without the seq. */
const errorIndex = 12;

type Columns = readonly [seq: number, ...columns: readonly SqlValue[]];

/** Read items by key. Locks: none of its own. Indexes: `sherd_item_key`, `sherd_lease_item`. */
export function* readByKey(queue: string, keys: readonly string[]): Script<ReadonlyMap<string, Pulled>> {
  const rows = (yield {
    name: "read-pulled",
    sql: `
SELECT ${columns} FROM sherd_item i INDEXED BY sherd_item_key LEFT JOIN sherd_lease l ON l.item = i.seq
WHERE i.queue = ? AND i.key IN (SELECT value FROM json_each(?)) AND i.key IS NOT NULL AND i.state <> 'done'`,
    params: [queue, JSON.stringify(keys)],
  }) as readonly Columns[];
  return new Map(rows.map(toPulled).map((pulled) => [pulled.item.key, pulled]));
}

/** A page by key. Locks: none. Indexes: `sherd_item_key` in order, `sherd_lease_item`. */
export function* readPage(
  queue: string,
  phase: PullPhase | null,
  after: string,
  limit: number,
): Script<readonly PulledItem[]> {
  const rows = (yield {
    name: "page",
    sql: `
SELECT ${columns} FROM sherd_item i INDEXED BY sherd_item_key LEFT JOIN sherd_lease l ON l.item = i.seq
WHERE i.queue = ? AND i.key > ? AND (? IS NULL OR i.phase = ?) AND i.key IS NOT NULL AND i.state <> 'done'
ORDER BY i.key LIMIT ?`,
    params: [queue, after, phase, phase, limit],
  }) as readonly Columns[];
  return rows.map((row) => toPulled(row).item);
}

function toPulled([seq, ...columns]: Columns): Pulled {
  const error = columns[errorIndex] as string | null;
  const parsed = error === null ? null : (JSON.parse(error) as AttemptError);
  return { seq, item: pulledItem(columns.with(errorIndex, parsed as never) as unknown as PulledColumns) };
}

/** In the order of `keys`, without those that there are not. */
export function inOrder(keys: readonly string[], pulled: ReadonlyMap<string, Pulled>): readonly PulledItem[] {
  return keys.flatMap((key) => pulled.get(key)?.item ?? []);
}

export function isActive({ phase }: PulledItem): boolean {
  return phase === "leased" || phase === "running";
}
