import type { KeyConflict, NewItem, Transaction } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { areAlike, insertAny, rowsOf, startInsert } from "./insert.ts";
import { partsOf } from "./session-of.ts";

/** The rules of keys, their locks and their index are those of `sherd_enqueue_v1`. */
const insertKeyed = `select item::text as id, existing::text as existing, resolution
from sherd_enqueue_v1($1::text::json)`;

export async function enqueue(
  executor: Executor,
  tx: Transaction,
  items: readonly NewItem[],
): Promise<readonly KeyConflict[]> {
  if (items.length === 0) return [];
  const { session, defer } = partsOf(tx);
  const keyed = items.some(({ key }) => key !== null);
  if (!keyed && areAlike(items)) {
    // It can conflict with nothing, so the commit need not wait for its answer.
    if (defer === null) await (await startInsert(executor, items, session)).answer;
    else defer(items);
    return [];
  }
  const answers = await executor.joined("enqueue", () =>
    executor.send(
      "enqueue",
      keyed ? "insert-keyed" : "insert",
      keyed ? insertKeyed : insertAny,
      [rowsOf(items)],
      session,
    ),
  );
  const conflicts = answers.map(({ id, existing, resolution }) => ({
    id: String(id),
    existingId: String(existing),
    resolution: resolution as KeyConflict["resolution"],
  }));
  const order = new Map(items.map(({ id }, index) => [id, index]));
  return conflicts.toSorted((one, other) => (order.get(one.id) ?? 0) - (order.get(other.id) ?? 0));
}
