import type { AttemptError, PulledItem, PullPhase } from "@sherd/core";
import type { Script } from "../../script.ts";

export interface Pulled {
  readonly seq: number;
  readonly item: PulledItem;
}

const columns = `
i.seq, i.id, i.key, i.phase, i.body, coalesce(i.memo, 'null'), CASE WHEN i.state <> 'parked' THEN i.at END, l.owner, l.id,
l.expires_at, i.attempts, i.failures, i.lost, i.errors -> '$[#-1]', i.revision, i.started_at, i.ended_at, i.succeeded_at,
i.created_at, i.updated_at`;

type Columns = readonly [
  seq: number,
  id: string,
  key: string,
  phase: PullPhase,
  body: string,
  memo: string,
  dueAt: number | null,
  owner: string | null,
  lease: string | null,
  leaseExpiresAt: number | null,
  attempts: number,
  failures: number,
  lost: number,
  error: string | null,
  revision: number,
  startedAt: number | null,
  endedAt: number | null,
  succeededAt: number | null,
  createdAt: number,
  updatedAt: number,
];

/** Read items by key. Locks: none of its own. Indexes: `sherd_item_key`, `sherd_lease_item`. */
export function* readByKey(queue: string, keys: readonly string[]): Script<ReadonlyMap<string, Pulled>> {
  const rows = (yield {
    name: "read-pulled",
    sql: `
SELECT ${columns} FROM sherd_item i INDEXED BY sherd_item_key LEFT JOIN sherd_lease l ON l.item = i.seq
WHERE i.queue = ? AND i.key IN (SELECT value FROM json_each(?)) AND i.key IS NOT NULL AND i.state <> 'done'`,
    params: [queue, JSON.stringify(keys)],
  }) as readonly Columns[];
  return new Map(rows.map((row) => [row[2], toPulled(row)]));
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

function toPulled(row: Columns): Pulled {
  const [seq, id, key, phase, body, memo, dueAt, owner, lease, leaseExpiresAt, ...rest] = row;
  const [attempts, failures, lost, error, revision, startedAt, endedAt, ...times] = rest;
  const [succeededAt, createdAt, updatedAt] = times;
  const item: PulledItem = {
    id,
    key,
    phase,
    body,
    memo,
    dueAt,
    owner,
    lease,
    leaseExpiresAt,
    attempts,
    failures,
    lost,
    error: error === null ? null : (JSON.parse(error) as AttemptError),
    revision,
    startedAt,
    endedAt,
    succeededAt,
    createdAt,
    updatedAt,
  };
  return { seq, item };
}

/** In the order of `keys`, without those that there are not. */
export function inOrder(keys: readonly string[], pulled: ReadonlyMap<string, Pulled>): readonly PulledItem[] {
  return keys.flatMap((key) => pulled.get(key)?.item ?? []);
}

export function isActive({ phase }: PulledItem): boolean {
  return phase === "leased" || phase === "running";
}
