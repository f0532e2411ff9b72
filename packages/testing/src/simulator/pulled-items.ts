import type { DatabaseSync } from "node:sqlite";
import type { PullMove } from "@sherd/core";
import type { Violate } from "./invariants.ts";

/** What calls on pulled items have asked for, in one transaction or in calls of their own that are under way. */
export class AskedPulls {
  readonly moves: { readonly name: string; readonly move: PullMove }[] = [];
  readonly puts: string[] = [];
  readonly removals: string[] = [];
  /** Items that a `put` answered. */
  readonly answered: string[] = [];
  /** Whether it claims. */
  pulls = false;
}

/** What a commit of this verb can be about: beside it, the process's other calls wait. */
function partOf(verb: string, all: AskedPulls): AskedPulls {
  const part = new AskedPulls();
  if (verb === "transaction") return all;
  if (verb === "move") part.moves.push(...all.moves);
  if (verb === "put") part.puts.push(...all.puts);
  if (verb === "remove") part.removals.push(...all.removals);
  part.pulls = verb === "pull";
  return part;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly memo: string | null;
  /** All of it that belongs to a revision. */
  readonly content: string;
  readonly lease: string | null;
  readonly expiresAt: number | null;
}

const rowsSql = `
SELECT i.id AS id, i.queue || ' ' || i.key AS name, i.revision AS revision, i.memo AS memo, json_array(
  i.state, i.at, i.attempts, i.failures, i.lost, i.phase, i.started_at, i.ended_at, i.succeeded_at, i.updated_at, i.errors,
  i.body, i.memo
) AS content, l.id AS lease, l.expires_at AS expiresAt
FROM sherd_item i LEFT JOIN sherd_lease l ON l.item = i.seq WHERE i.phase IS NOT NULL`;

const dueSql = `
SELECT id FROM sherd_item WHERE phase IS NOT NULL AND (state = 'ready' OR state = 'timed' AND at <= ?)`;

const openSql = `
SELECT id FROM sherd_item
WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'parked' AND coalesce(ended_at, 0) <= ?`;

export function nameOf(queue: string, key: string): string {
  return `${queue} ${key}`;
}

/** Compares what each commit changed of the pulled items with what was asked for in it. */
export class PulledItems {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #violate: Violate;
  /** As the last commit left them. */
  #rows: ReadonlyMap<string, Row> = new Map();
  readonly #ever = new Set<string>();
  /** What moves were asked for in users' transactions: name and revision. */
  readonly #inTransactions = new Set<string>();
  #statement: ReturnType<DatabaseSync["prepare"]> | null = null;

  constructor(database: DatabaseSync, now: () => number, violate: Violate) {
    this.#database = database;
    this.#now = now;
    this.#violate = violate;
  }

  askedInTransaction(name: string, { revision }: PullMove): void {
    this.#inTransactions.add(`${name} ${revision}`);
  }

  /** A `put` of its own was answered, so what it answered has been there. */
  answered(ids: readonly string[]): void {
    for (const id of ids) {
      if (!this.#ever.has(id))
        this.#violate("a synced subject exists until it is deleted", `${id} never was`);
    }
  }

  /** Right after a commit, before anybody else's. */
  committed(verb: string, all: AskedPulls): void {
    const asked = partOf(verb, all);
    const before = this.#rows;
    this.#rows = this.#read();
    const removed = new Set(asked.removals);
    for (const [id, row] of before) {
      const after = this.#rows.get(id);
      if (after !== undefined) this.#compare(row, after, asked);
      else if (!removed.has(row.name)) {
        this.#violate("a synced subject exists until it is deleted", `${row.name} is gone`);
      }
    }
    for (const [id, { name }] of this.#rows) {
      if (this.#ever.has(id)) continue;
      this.#ever.add(id);
      if (!asked.puts.includes(name))
        this.#violate("a cursor commits with its transaction or never shows", `${name} was not synced here`);
    }
    for (const id of asked.answered) {
      if (!this.#rows.has(id) && asked.removals.length === 0)
        this.#violate("a synced subject exists until it is deleted", `${id} was not committed`);
    }
  }

  /** Items that are held, or due until `at`. */
  due(at: number): readonly string[] {
    return this.#database
      .prepare(dueSql)
      .all(at)
      .map((row) => row["id"] as string);
  }

  /** Those of them whose work has not ended since. */
  open(ids: readonly string[], since: number): readonly string[] {
    const rows = this.#database.prepare(openSql).all(JSON.stringify(ids), since);
    return rows.map((row) => row["id"] as string);
  }

  #compare(row: Row, after: Row, asked: AskedPulls): void {
    const { name, revision } = row;
    const isOther = row.content !== after.content;
    if (after.revision < revision || (isOther && after.revision === revision)) {
      const what = `${name} went from ${revision} to ${after.revision}`;
      this.#violate("the revision of a subject strictly grows", what);
    }
    const isLive = row.lease !== null && (row.expiresAt ?? 0) > this.#now();
    if (isLive && after.lease !== null && after.lease !== row.lease)
      this.#violate(
        "a subject has at most one live holder",
        `${name} was taken over before its lease expired`,
      );
    if (after.revision > revision && !asked.pulls && !asked.puts.includes(name))
      this.#explain(row, after, asked);
  }

  /** Each step from one revision to the next is a move that was asked for at the former, and the cursor is theirs. */
  #explain(row: Row, after: Row, asked: AskedPulls): void {
    let { memo } = row;
    for (let revision = row.revision; revision < after.revision; revision++) {
      const found = asked.moves.find(({ name, move }) => name === row.name && move.revision === revision);
      if (found === undefined) {
        const wasInTransaction = this.#inTransactions.has(`${row.name} ${revision}`);
        this.#violate(
          wasInTransaction
            ? "a cursor commits with its transaction or never shows"
            : "no end of a holder that was taken over takes effect",
          `${row.name} was moved on from ${revision}, for which nobody asked here`,
        );
        return;
      }
      memo = found.move.memo ?? memo;
    }
    if (memo !== after.memo) {
      const what = `${row.name} has ${after.memo}, not ${memo}`;
      this.#violate("a cursor commits with its transaction or never shows", what);
    }
  }

  #read(): ReadonlyMap<string, Row> {
    this.#statement ??= this.#database.prepare(rowsSql);
    return new Map((this.#statement.all() as unknown as readonly Row[]).map((row) => [row.id, row]));
  }
}
