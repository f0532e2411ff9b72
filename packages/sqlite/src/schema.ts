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
    state: text("state", { enum: ["ready", "timed", "parked", "done"] }).notNull(),
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
    outcome: text("outcome", { enum: ["failed"] }),
    /** JSON, oldest first. */
    errors: text("errors"),
    body: text("body").notNull(),
    memo: text("memo"),
    trace: text("trace"),
    createdAt: integer("created_at").notNull(),
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
    index("sherd_item_cancel")
      .on(t.queue)
      .where(sql`cancel = 1`),
    check("sherd_item_state", sql`state IN ('ready', 'timed', 'parked', 'done')`),
    check("sherd_item_at", sql`at IS NOT NULL OR state NOT IN ('timed', 'done')`),
    check("sherd_item_outcome", sql`(outcome IS 'failed') = (state = 'done')`),
  ],
);

/** One owner may work on these items until then. */
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
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("sherd_lease_queue").on(t.queue, t.expiresAt)],
);

/** Completed and cancelled items, out of the way of the others. */
export const history = sqliteTable(
  "sherd_history",
  {
    id: text("id").primaryKey().notNull(),
    queue: text("queue").notNull(),
    name: text("name").notNull(),
    key: text("key"),
    outcome: text("outcome", { enum: ["completed", "cancelled"] }).notNull(),
    priority: integer("priority").notNull(),
    concurrencyKey: text("concurrency_key"),
    attempts: integer("attempts").notNull(),
    failures: integer("failures").notNull(),
    lost: integer("lost").notNull(),
    maxAttempts: integer("max_attempts").notNull(),
    errors: text("errors"),
    body: text("body").notNull(),
    trace: text("trace"),
    createdAt: integer("created_at").notNull(),
    finishedAt: integer("finished_at").notNull(),
  },
  (t) => [
    index("sherd_history_finished").on(t.queue, t.outcome, t.finishedAt, t.id),
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
