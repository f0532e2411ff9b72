import { sql } from "drizzle-orm";
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Everything that becomes due. Held is no column: an item is held while a lease lists it. */
export const item = sqliteTable(
  "sherd_item",
  {
    /** Trigger order, and what leases list. Never used again, so a lease cannot come to list a later item. */
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull().unique("sherd_item_id"),
    queue: text("queue").notNull(),
    name: text("name").notNull(),
    key: text("key"),
    state: text("state", { enum: ["ready", "blocked", "timed", "parked", "done"] }).notNull(),
    /** Timed: when it is due. Done: when it finished. */
    at: integer("at"),
    priority: integer("priority").notNull(),
    gate: text("gate"),
    concurrencyKey: text("concurrency_key"),
    releaseKeyOnRetry: integer("release_key_on_retry", { mode: "boolean" }).notNull(),
    revision: integer("revision").notNull().default(0),
    cancel: integer("cancel", { mode: "boolean" }).notNull().default(false),
    attempts: integer("attempts").notNull().default(0),
    failures: integer("failures").notNull().default(0),
    lost: integer("lost").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull(),
    retry: text("retry").notNull(),
    timeoutMs: integer("timeout_ms"),
    createdAt: integer("created_at").notNull(),
    /** This and the times after it: of pulled items alone. */
    phase: text("phase", { enum: ["idle", "leased", "running", "succeeded", "failed"] }),
    startedAt: integer("started_at"),
    endedAt: integer("ended_at"),
    succeededAt: integer("succeeded_at"),
    updatedAt: integer("updated_at"),
    outcome: text("outcome", { enum: ["failed"] }),
    /** JSON, oldest first. What may be large comes last: to read past it costs a page for every 4 KB. */
    errors: text("errors"),
    body: text("body").notNull(),
    memo: text("memo"),
    trace: text("trace"),
  },
  (t) => [
    index("sherd_item_ready")
      .on(t.queue, sql`"priority" DESC`, t.seq)
      .where(sql`state = 'ready'`),
    index("sherd_item_timed")
      .on(t.queue, t.at)
      .where(sql`state = 'timed'`),
    index("sherd_item_parked")
      .on(t.queue)
      .where(sql`state = 'parked'`),
    index("sherd_item_done")
      .on(t.queue, t.at)
      .where(sql`state = 'done'`),
    uniqueIndex("sherd_item_key")
      .on(t.queue, t.key)
      .where(sql`key IS NOT NULL AND state <> 'done'`),
    index("sherd_item_blocking")
      .on(t.queue, t.concurrencyKey)
      .where(
        sql`state = 'timed' AND concurrency_key IS NOT NULL AND release_key_on_retry = 0 AND failures + lost > 0`,
      ),
    index("sherd_item_suspect")
      .on(t.queue, t.concurrencyKey)
      .where(sql`state = 'ready' AND concurrency_key IS NOT NULL AND lost > 0`),
    index("sherd_item_blocked")
      .on(t.queue, t.concurrencyKey, t.name, sql`"priority" DESC`, t.seq)
      .where(sql`state = 'blocked'`),
    index("sherd_item_cancel")
      .on(t.queue)
      .where(sql`cancel = 1`),
    check("sherd_item_state", sql`state IN ('ready', 'blocked', 'timed', 'parked', 'done')`),
    check("sherd_item_at", sql`at IS NOT NULL OR state NOT IN ('timed', 'done')`),
    check("sherd_item_outcome", sql`(outcome IS 'failed') = (state = 'done')`),
    // Of hooks the list is not looked through, which a Durable Object would bill as rows read.
    check(
      "sherd_item_phase",
      sql`phase IS NULL OR phase IN ('idle', 'leased', 'running', 'succeeded', 'failed')`,
    ),
  ],
);

/** One owner may work on these items until then. The migration makes it WITHOUT ROWID, which drizzle cannot say: a write less a lease. */
export const lease = sqliteTable(
  "sherd_lease",
  {
    id: text("id").primaryKey().notNull(),
    queue: text("queue").notNull(),
    owner: text("owner").notNull(),
    expiresAt: integer("expires_at").notNull(),
    /** The claimed items' seq, as a JSON array: shorter than their ids, and each finds its row without an index. */
    items: text("items").notNull(),
    /** Which revision was claimed, by seq, as a JSON object without those that were never replaced before, whose revision is 0. */
    revisions: text("revisions").notNull().default("{}"),
    /** The seq of a pulled item, which is the only one then. */
    item: integer("item"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    index("sherd_lease_queue").on(t.queue, t.expiresAt),
    uniqueIndex("sherd_lease_item")
      .on(t.item)
      .where(sql`item IS NOT NULL`),
  ],
);

/**
 * Completed and cancelled items, out of the way of the others: a row for all that one settle ended alike, which costs a
 * fraction of a row an item. How items are packed is told in statements/history.ts.
 */
export const history = sqliteTable(
  "sherd_history",
  {
    seq: integer("seq").primaryKey(),
    queue: text("queue").notNull(),
    outcome: text("outcome", { enum: ["completed", "cancelled"] }).notNull(),
    finishedAt: integer("finished_at").notNull(),
    /** No id is before the first or after the last. */
    firstId: text("first_id").notNull(),
    lastId: text("last_id").notNull(),
    count: integer("count").notNull(),
    /** JSON, in trigger order, as are the next two. */
    ids: text("ids").notNull(),
    /** JSON, an array for each item. */
    items: text("items").notNull(),
    /** The payloads with U+001E between them, which no JSON text has in it. */
    bodies: text("bodies").notNull(),
  },
  (t) => [
    index("sherd_history_finished").on(t.queue, t.outcome, t.finishedAt, t.seq, t.count),
    index("sherd_history_ids").on(t.queue, t.lastId, t.firstId),
    check("sherd_history_outcome", sql`outcome IN ('completed', 'cancelled')`),
  ],
);

/** The ledger: which migration of which owner of tables was applied. */
export const migration = sqliteTable(
  "sherd_migration",
  {
    scope: text("scope").notNull(),
    tag: text("tag").notNull(),
    checksum: text("checksum").notNull(),
    compatible: integer("compatible", { mode: "boolean" }).notNull(),
    appliedAt: integer("applied_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.scope, t.tag] })],
);

export const tables = {
  sherdItem: item,
  sherdLease: lease,
  sherdHistory: history,
  sherdMigration: migration,
};
