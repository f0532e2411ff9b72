import type { DatabaseSync } from "node:sqlite";
import type { Ledger } from "./ledger.ts";

/** The invariants that every run is held to, as the report names them. */
export const invariants = [
  "nothing committed is lost",
  "nothing rolled back runs",
  "no two live leases list one item",
  "no finish under a lease that is gone takes effect",
  "attempts never exceed the maximum",
  "one at a time and in order per concurrency key",
  "priorities hold among due items",
  "a pruner deletes only finished items",
  "the revision of a subject strictly grows",
  "a subject has at most one live holder",
  "a synced subject exists until it is deleted",
  "no end of a holder that was taken over takes effect",
  "a cursor commits with its transaction or never shows",
  "a cursor and the data it stands for agree",
  "everything drains once the faults have stopped",
  "the app's own checks hold",
] as const;

export type Invariant = (typeof invariants)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

export type Violate = (invariant: Invariant, what: string) => void;

interface HeldRow {
  readonly seq: number;
  readonly id: string;
  readonly queue: string;
  readonly key: string | null;
}

const heldSql = `
SELECT i.seq AS seq, i.id AS id, i.queue AS queue, i.concurrency_key AS key FROM sherd_lease l, json_each(l.items) e
JOIN sherd_item i ON i.seq = e.value WHERE i.state <> 'done'`;

const overtakenSql = `
SELECT i.id AS id FROM sherd_item i WHERE i.queue = ? AND i.concurrency_key = ? AND i.seq < ? AND i.state <> 'done'
  AND NOT (i.state = 'timed' AND i.failures + i.lost = 0)`;

const overrunSql = "SELECT id FROM sherd_item WHERE failures + lost > max_attempts LIMIT 1";

/**
 * Looks at one database again and again, with its statements prepared once. Simulated triggers of one key have one
 * priority, so their order is by age; one that an operator retried comes back to a place that others have passed.
 */
export function stateChecker(database: DatabaseSync, ledger: Ledger, violate: Violate): () => void {
  const held = database.prepare(heldSql);
  const overtaken = database.prepare(overtakenSql);
  const overrun = database.prepare(overrunSql);
  const inOrder = "one at a time and in order per concurrency key";
  return () => {
    const seen = new Set<number>();
    const keys = new Set<string>();
    for (const { seq, id, queue, key } of held.all() as unknown as readonly HeldRow[]) {
      if (seen.has(seq)) violate("no two live leases list one item", `${id} is listed twice`);
      seen.add(seq);
      if (key === null) continue;
      const name = `${queue} ${key}`;
      if (keys.has(name)) violate(inOrder, `two of "${key}" are held, one is ${id}`);
      keys.add(name);
      for (const row of overtaken.all(queue, key, seq) as unknown as readonly { id: string }[]) {
        if (!ledger.restarted.has(row.id)) violate(inOrder, `${id} of "${key}" went before ${row.id}`);
      }
    }
    const over = overrun.get() as { readonly id: string } | undefined;
    if (over !== undefined) violate("attempts never exceed the maximum", `${over.id} has had more`);
  };
}

const historySql = "SELECT e.value AS id FROM sherd_history h, json_each(h.ids) e";

const finishedSql = `SELECT id FROM sherd_item WHERE state = 'done' UNION ALL ${historySql}`;

const failedSql = "SELECT id FROM sherd_item WHERE state = 'done'";

/** Right after the commit of an operator's retry: the hooks that have fresh attempts. */
export function retriedIds(database: DatabaseSync, { failed }: Before): readonly string[] {
  const still = ids(database, failedSql);
  return [...failed].filter((id) => !still.has(id));
}

/** What a claim, a prune or a retry is compared with: the state right after its BEGIN. */
export interface Before {
  readonly leases: ReadonlySet<string>;
  readonly unfinished: ReadonlySet<string>;
  readonly finished: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
}

export function takeBefore(database: DatabaseSync): Before {
  return {
    leases: ids(database, "SELECT id FROM sherd_lease"),
    unfinished: ids(database, "SELECT id FROM sherd_item WHERE state <> 'done'"),
    finished: ids(database, finishedSql),
    failed: ids(database, failedSql),
  };
}

/** Right after a prune's commit: all that were not finished before are there. Answers those that are not. */
export function checkPrune(
  database: DatabaseSync,
  { unfinished, finished }: Before,
  violate: Violate,
): ReadonlySet<string> {
  const there = ids(database, "SELECT id FROM sherd_item");
  for (const id of unfinished) {
    if (!there.has(id)) violate("a pruner deletes only finished items", `${id} was deleted unfinished`);
  }
  const kept = ids(database, finishedSql);
  return new Set([...finished].filter((id) => !kept.has(id)));
}

const takenSql = `
SELECT l.queue AS queue, min(i.priority) AS lowest FROM sherd_lease l, json_each(l.items) e
JOIN sherd_item i ON i.seq = e.value WHERE l.id NOT IN (SELECT value FROM json_each(?)) AND i.lost = 0 AND i.concurrency_key IS NULL GROUP BY l.queue`;

const waitingSql = `
SELECT max(i.priority) AS highest FROM sherd_item i
WHERE i.queue = ? AND i.state = 'ready' AND i.concurrency_key IS NULL AND i.lost = 0
  AND i.name IN (SELECT value FROM json_each(?))
  AND i.seq NOT IN (SELECT e.value FROM sherd_lease l, json_each(l.items) e)`;

/** Right after a claim's commit: what it left must not go before what it took. */
export function checkPriorities(
  database: DatabaseSync,
  { leases }: Before,
  namesOf: ReadonlyMap<string, readonly string[]>,
  violate: Violate,
): void {
  const before = JSON.stringify([...leases]);
  const taken = database.prepare(takenSql).all(before) as unknown as { queue: string; lowest: number }[];
  for (const { queue, lowest } of taken) {
    const names = JSON.stringify(namesOf.get(queue) ?? []);
    const { highest } = database.prepare(waitingSql).get(queue, names) as { readonly highest: number | null };
    if (highest === null || highest <= lowest) continue;
    violate("priorities hold among due items", `one of ${lowest} was taken before one of ${highest}`);
  }
}

/** Once everything has drained: each committed hook has ended, and is there unless it was pruned when it had. */
export function checkEnds(
  database: DatabaseSync,
  ledger: Ledger,
  pruned: ReadonlySet<string>,
  violate: Violate,
): void {
  for (const id of ids(database, "SELECT id FROM sherd_item WHERE state <> 'done' AND phase IS NULL"))
    violate("everything drains once the faults have stopped", `${id} is not finished`);
  const known = ids(database, `SELECT id FROM sherd_item UNION ALL ${historySql}`);
  for (const id of ledger.committed.keys()) {
    if (!known.has(id) && !pruned.has(id)) violate("nothing committed is lost", `${id} is gone`);
  }
  for (const id of known) {
    if (ledger.rolledBack.has(id)) violate("nothing rolled back runs", `${id} exists`);
  }
  const leases = database.prepare("SELECT id FROM sherd_lease WHERE item IS NULL").all();
  if (leases.length > 0)
    violate("everything drains once the faults have stopped", `${leases.length} leases are left`);
}

function ids(database: DatabaseSync, sql: string): ReadonlySet<string> {
  return new Set((database.prepare(sql).all() as unknown as { id: string }[]).map(({ id }) => id));
}
