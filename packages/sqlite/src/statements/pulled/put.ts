import type { PullDraft, PulledItem } from "@sherd/core";
import type { Script } from "../../script.ts";
import { inOrder, isActive, readByKey } from "./item.ts";

/**
 * Have an item for each draft. Locks: the write lock; in a caller's transaction that began without it, SQLite refuses the
 * first write when somebody else has written since the first read. Index: `sherd_item_key`.
 */
export function* put(
  queue: string,
  drafts: readonly PullDraft[],
  refreshes: boolean,
  now: number,
): Script<readonly PulledItem[]> {
  const keys = drafts.map(({ key }) => key);
  const known = yield* readByKey(queue, keys);
  const missing = drafts.filter(({ key }) => !known.has(key));
  if (missing.length > 0)
    yield { name: "insert-pulled", sql: insertSql, each: missing.map(toRow(queue, now)) };
  const stale = drafts.flatMap((draft) => {
    const pulled = known.get(draft.key);
    const isLeft = pulled === undefined || isActive(pulled.item) || !hasNews(draft);
    return isLeft || !refreshes ? [] : [{ seq: pulled.seq, draft }];
  });
  if (stale.length > 0) {
    yield {
      name: "refresh-pulled",
      sql: refreshSql,
      each: stale.map(({ seq, draft: { body = null, memo = null, dueAt } }) => {
        const setsDue = dueAt === undefined ? 0 : 1;
        return [body, memo, setsDue, dueAt ?? null, setsDue, dueAt ?? now, now, seq];
      }),
    };
  }
  return inOrder(keys, yield* readByKey(queue, keys));
}

function hasNews({ body, memo, dueAt }: PullDraft): boolean {
  return body !== undefined || memo !== undefined || dueAt !== undefined;
}

const insertSql = `
INSERT INTO sherd_item (
  id, queue, name, key, state, at, priority, release_key_on_retry, max_attempts, retry, revision, body, memo, phase, created_at, updated_at
) VALUES (?, ?, 'pulled', ?, ?, ?, 0, 0, 2147483647, 'none', ?, ?, ?, 'idle', ?, ?)`;

const toRow =
  (queue: string, now: number) =>
  ({ id, key, revision, body = "null", memo = "null", dueAt }: PullDraft) => [
    id,
    queue,
    key,
    dueAt === null ? "parked" : "timed",
    dueAt ?? now,
    revision,
    body,
    memo,
    now,
    now,
  ];

const refreshSql = `
UPDATE sherd_item SET body = coalesce(?, body), memo = coalesce(?, memo),
  state = CASE WHEN ? = 0 THEN state WHEN ? IS NULL THEN 'parked' ELSE 'timed' END,
  at = CASE WHEN ? = 0 THEN at ELSE ? END, revision = revision + 1, updated_at = ?
WHERE seq = ?`;
