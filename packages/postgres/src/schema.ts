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
    state: text("state", { enum: ["ready", "timed", "parked", "done"] }).notNull(),
    /** timed: when it is due; done: when it finished; ready: since when it is due, null since it was made. */
    at: instant("at"),
    priority: integer("priority").notNull().default(0),
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
    index("sherd_item_cancel")
      .on(t.queue)
      .where(sql`cancel`),
    check("sherd_item_state_check", sql`state in ('ready', 'timed', 'parked', 'done')`),
    check("sherd_item_at_check", sql`at is not null or state not in ('timed', 'done')`),
    check("sherd_item_outcome_check", sql`(outcome is not null) = (state = 'done')`),
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
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ name: "sherd_lease_pkey", columns: [t.id] }), index("sherd_lease_queue").on(t.queue)],
);

/** Completed and cancelled items; failed ones stay in `sherd_item`, where a retry finds them. */
export const sherdHistory = pgTable(
  "sherd_history",
  {
    id: uuid("id").notNull(),
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
    errors: jsonb("errors"),
    body: json("body").notNull(),
    trace: text("trace"),
    createdAt: instant("created_at").notNull(),
    finishedAt: instant("finished_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "sherd_history_pkey", columns: [t.id] }),
    index("sherd_history_finished").on(t.queue, t.outcome, t.finishedAt, t.id),
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
