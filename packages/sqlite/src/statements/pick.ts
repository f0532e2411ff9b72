import type { ClaimRequest } from "@sherd/core";
import type { Session } from "../connection.ts";
import type { Script } from "../script.ts";
import { block } from "./block.ts";
import { busyParams, busySql, readyParams, readySql } from "./claimable.ts";
import { depth } from "./depth.ts";

export interface FreeItems {
  /** In claim order; of a free concurrency key there may be several. */
  readonly rows: readonly FreeRow[];
  /** Whether items may be blocked behind them. */
  readonly hasBlocked: boolean;
}

export type FreeRow = readonly [
  seq: number,
  concurrencyKey: string | null,
  lost: number,
  revision: number,
  id: string,
  name: string,
  failures: number,
  maxAttempts: number,
  retry: string,
  timeoutMs: number | null,
  createdAt: number,
  /** Null when it was left for later. */
  body: string | null,
  trace: string | null,
];

type Costs = Pick<Session, "local" | "paysByRow">;

/** What a claim looks for. */
interface Search {
  readonly queue: string;
  readonly names: readonly string[];
  /** The losses from which items are left out. */
  readonly lostBelow: number;
  readonly limit: number;
  readonly columns: string;
}

/** Of rows that are read while nobody else can write, no more than a quarter of a page. */
const inlineBytes = 1_024;
const isInline = `octet_length(i.body) + coalesce(octet_length(i.trace), 0) <= ${inlineBytes}`;

const columns = `i.seq, i.concurrency_key, i.lost, i.revision, i.id, i.name, i.failures, i.max_attempts, i.retry, i.timeout_ms, i.created_at`;
const withBodies = `${columns}, CASE WHEN ${isInline} THEN i.body END, CASE WHEN ${isInline} THEN i.trace END`;
const withoutBodies = `${columns}, NULL, NULL`;

/**
 * The first items that a claim may take. Locks: the write lock, held since before. Indexes: `sherd_item_ready` in order;
 * where an item with a concurrency key is met, those of `busySql`, and then, unless these items are enough, `sherd_item_ready`
 * once more: at first no further than `depth` says. When it has to go on, busy items are blocked before.
 *
 * Where nothing is sent over a network, small bodies are read at once: of a bounded size, they hold the lock for
 * microseconds, without a pause in which the process could be kept. A second look at each item would cost twice that.
 */
export function* pick(request: ClaimRequest, { local, paysByRow }: Costs): Script<FreeItems> {
  const { queue, names, limit, suspects } = request;
  const lostBelow = suspects === undefined || suspects.takesOne ? Number.MAX_SAFE_INTEGER : suspects.lostFrom;
  const search: Search = { queue, names, lostBelow, limit, columns: local ? withBodies : withoutBodies };
  const first = (yield {
    name: "pick",
    sql: readySql(search.columns),
    params: readyParams(queue, names, lostBelow, limit),
  }) as readonly FreeRow[];
  if (first.every(([, concurrencyKey]) => concurrencyKey === null)) return { rows: first, hasBlocked: false };
  const { busy, hasBlocked } = yield* findBusy(search);
  const rows = first.filter(([, concurrencyKey]) => concurrencyKey === null || !busy.has(concurrencyKey));
  if (rows.length === first.length || first.length < limit) return { rows, hasBlocked };

  const keys = JSON.stringify([...busy]);
  const reach = depth.reach(limit, busy.size, paysByRow);
  const others = { from: limit, reach: Math.max(0, reach - limit), limit: limit - rows.length };
  const near = [...rows, ...(yield* pickFree(search, keys, others))];
  if (near.length === limit || !(yield* hasMore(search, Math.max(limit, reach))))
    return { rows: near, hasBlocked };
  yield* block(queue, keys, reach + depth.batch);
  return { rows: yield* pickFree(search, keys, { from: 0, reach: endless, limit }), hasBlocked };
}

/** As a limit. */
const endless = -1;

/** The busy keys, and in the same statement whether anything is blocked. */
function* findBusy({ queue, lostBelow }: Search): Script<{
  readonly busy: ReadonlySet<string>;
  readonly hasBlocked: boolean;
}> {
  const rows = (yield {
    name: "find-busy",
    sql: `
${busySql}
UNION ALL
SELECT NULL WHERE EXISTS (SELECT 1 FROM sherd_item INDEXED BY sherd_item_blocked WHERE queue = ? AND state = 'blocked')`,
    params: [...busyParams(queue, lostBelow), queue],
  }) as readonly (readonly [concurrencyKey: string | null])[];
  const busy = new Set(rows.map(([concurrencyKey]) => concurrencyKey).filter((key) => key !== null));
  return { busy, hasBlocked: rows.some(([concurrencyKey]) => concurrencyKey === null) };
}

/** A part of the ready items, and how many free ones of it are wanted. */
interface Stretch {
  readonly from: number;
  readonly reach: number;
  readonly limit: number;
}

/** The free items of a stretch. They come in the order of the inner select, which a sort would have to read to its end. */
function* pickFree(
  { queue, names, lostBelow, columns: read }: Search,
  busyKeys: string,
  { from, reach, limit }: Stretch,
): Script<readonly FreeRow[]> {
  return (yield {
    name: "pick-free",
    sql: `
SELECT ${read}
FROM (${readySql("i.seq, i.concurrency_key")} OFFSET ?) near CROSS JOIN sherd_item i ON i.seq = near.seq
WHERE near.concurrency_key IS NULL OR near.concurrency_key NOT IN (SELECT value FROM json_each(?))
LIMIT ?`,
    params: [...readyParams(queue, names, lostBelow, reach), from, busyKeys, limit],
  }) as readonly FreeRow[];
}

function* hasMore({ queue, names, lostBelow }: Search, reach: number): Script<boolean> {
  const rows = yield {
    name: "measure",
    sql: `${readySql("1")} OFFSET ?`,
    params: [...readyParams(queue, names, lostBelow, 1), reach],
  };
  return rows.length > 0;
}
