/** The kernel's tables. They are the single source: a test holds the migrations against them. */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

const instant = (name: string) => timestamp(name, { withTimezone: true });

export const sherdItem = pgTable(
  "sherd_item",
  {
    id: uuid("id").notNull(),
    /** Trigger order: ids come from clients, whose clocks cannot be trusted for it. */
    seq: bigint("seq", { mode: "number" }).notNull().generatedByDefaultAsIdentity(),
    queue: text("queue").notNull(),
    name: text("name").notNull(),
    key: text("key"),
    state: text("state", { enum: ["ready", "blocked", "timed", "parked", "done"] }).notNull(),
    /** timed: when it is due; done: when it finished; ready, blocked: since when it is due, null since it was made. */
    at: instant("at"),
    priority: integer("priority").notNull().default(0),
    /** parked: why; ready: 'leads' where others are blocked behind it. */
    gate: text("gate"),
    concurrencyKey: text("concurrency_key"),
    releaseKeyOnRetry: boolean("release_key_on_retry").notNull().default(false),
    revision: integer("revision").notNull().default(0),
    cancel: boolean("cancel").notNull().default(false),
    /** Every attempt that ended, ever. */
    attempts: integer("attempts").notNull().default(0),
    failures: integer("failures").notNull().default(0),
    lost: integer("lost").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull(),
    retry: text("retry").notNull(),
    timeoutMs: bigint("timeout_ms", { mode: "number" }),
    outcome: text("outcome", { enum: ["completed", "failed", "cancelled"] }),
    errors: jsonb("errors"),
    /** `json` keeps the text as it came; `jsonb` cannot hold every string that JSON can. */
    body: json("body").notNull(),
    memo: json("memo"),
    trace: text("trace"),
    createdAt: instant("created_at").notNull().defaultNow(),
    /** This and the times after it: of pulled items alone. */
    phase: text("phase", { enum: ["idle", "leased", "running", "succeeded", "failed"] }),
    startedAt: instant("started_at"),
    endedAt: instant("ended_at"),
    succeededAt: instant("succeeded_at"),
    updatedAt: instant("updated_at"),
  },
  (t) => [
    primaryKey({ name: "sherd_item_pkey", columns: [t.id] }),
    index("sherd_item_ready")
      .on(t.queue, t.priority.desc(), t.seq)
      .where(sql`state = 'ready'`),
    index("sherd_item_timed")
      .on(t.queue, t.at)
      .where(sql`state = 'timed'`),
    index("sherd_item_done")
      .on(t.queue, t.at)
      .where(sql`state = 'done'`),
    uniqueIndex("sherd_item_key")
      .on(t.queue, t.key)
      .where(sql`key is not null and state <> 'done'`),
    index("sherd_item_retrying")
      .on(t.queue, t.concurrencyKey)
      .where(
        sql`state = 'timed' and concurrency_key is not null and failures + lost > 0 and not release_key_on_retry`,
      ),
    index("sherd_item_suspect")
      .on(t.queue, t.concurrencyKey)
      .where(sql`state = 'ready' and concurrency_key is not null and lost > 0`),
    index("sherd_item_blocked")
      .on(t.queue, t.concurrencyKey, t.name, t.priority.desc(), t.seq)
      .where(sql`state = 'blocked'`),
    index("sherd_item_leading")
      .on(t.queue, t.concurrencyKey, t.name)
      .where(sql`state = 'ready' and gate = 'leads'`),
    index("sherd_item_cancel")
      .on(t.queue)
      .where(sql`cancel`),
    check("sherd_item_state_check", sql`state in ('ready', 'blocked', 'timed', 'parked', 'done')`),
    check("sherd_item_at_check", sql`at is not null or state not in ('timed', 'done')`),
    check("sherd_item_outcome_check", sql`(outcome is not null) = (state = 'done')`),
    check("sherd_item_phase_check", sql`phase in ('idle', 'leased', 'running', 'succeeded', 'failed')`),
  ],
);

export const sherdLease = pgTable(
  "sherd_lease",
  {
    id: uuid("id").notNull(),
    queue: text("queue").notNull(),
    owner: text("owner").notNull(),
    expiresAt: instant("expires_at").notNull(),
    items: uuid("items").array().notNull(),
    /** As claimed, of the items in order: an item that has another by now was replaced. */
    revisions: integer("revisions").array().notNull(),
    /** Of a pulled item, which is the only one then. */
    item: uuid("item"),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: "sherd_lease_pkey", columns: [t.id] }),
    index("sherd_lease_queue").on(t.queue),
    uniqueIndex("sherd_lease_item")
      .on(t.item)
      .where(sql`item is not null`),
  ],
);

/**
 * Completed and cancelled items, a row for all that one settle ended alike: the n-th element of each array is the n-th
 * item's. Failed ones stay in `sherd_item`, where a retry finds them.
 */
export const sherdHistory = pgTable(
  "sherd_history",
  {
    seq: bigint("seq", { mode: "number" }).notNull().generatedByDefaultAsIdentity(),
    queue: text("queue").notNull(),
    outcome: text("outcome", { enum: ["completed", "cancelled"] }).notNull(),
    finishedAt: instant("finished_at").notNull(),
    /** No id is before the first or after the last. */
    firstId: uuid("first_id").notNull(),
    lastId: uuid("last_id").notNull(),
    ids: uuid("ids").array().notNull(),
    names: text("names").array().notNull(),
    keys: text("keys").array().notNull(),
    priorities: integer("priorities").array().notNull(),
    concurrencyKeys: text("concurrency_keys").array().notNull(),
    attempts: integer("attempts").array().notNull(),
    failures: integer("failures").array().notNull(),
    lost: integer("lost").array().notNull(),
    maxAttempts: integer("max_attempts").array().notNull(),
    errors: jsonb("errors").array().notNull(),
    bodies: json("bodies").array().notNull(),
    traces: text("traces").array().notNull(),
    createdAt: instant("created_at").array().notNull(),
  },
  (t) => [
    primaryKey({ name: "sherd_history_pkey", columns: [t.seq] }),
    index("sherd_history_finished").on(t.queue, t.outcome, t.finishedAt, t.seq),
    index("sherd_history_ids").on(t.queue, t.lastId, t.firstId),
    check("sherd_history_outcome_check", sql`outcome in ('completed', 'cancelled')`),
  ],
);

/** What was applied, by owner of tables. */
export const sherdMigration = pgTable(
  "sherd_migration",
  {
    scope: text("scope").notNull(),
    tag: text("tag").notNull(),
    checksum: text("checksum").notNull(),
    compatible: boolean("compatible").notNull(),
    appliedAt: instant("applied_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ name: "sherd_migration_pkey", columns: [t.scope, t.tag] })],
);
