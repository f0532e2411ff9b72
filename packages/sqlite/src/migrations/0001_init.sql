CREATE TABLE sherd_item (
  seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL,
  queue TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT,
  state TEXT NOT NULL,
  at INTEGER,
  priority INTEGER NOT NULL,
  gate TEXT,
  concurrency_key TEXT,
  release_key_on_retry INTEGER NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0,
  cancel INTEGER NOT NULL DEFAULT false,
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  retry TEXT NOT NULL,
  timeout_ms INTEGER,
  created_at INTEGER NOT NULL,
  phase TEXT,
  started_at INTEGER,
  ended_at INTEGER,
  succeeded_at INTEGER,
  updated_at INTEGER,
  outcome TEXT,
  errors TEXT,
  body TEXT NOT NULL,
  memo TEXT,
  trace TEXT,
  CONSTRAINT sherd_item_state CHECK (state IN ('ready', 'blocked', 'timed', 'parked', 'done')),
  CONSTRAINT sherd_item_at CHECK (at IS NOT NULL OR state NOT IN ('timed', 'done')),
  CONSTRAINT sherd_item_outcome CHECK ((outcome IS 'failed') = (state = 'done')),
  CONSTRAINT sherd_item_phase CHECK (phase IS NULL OR phase IN ('idle', 'leased', 'running', 'succeeded', 'failed'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX sherd_item_id ON sherd_item (id);
--> statement-breakpoint
CREATE INDEX sherd_item_ready ON sherd_item (queue, priority DESC, seq) WHERE state = 'ready';
--> statement-breakpoint
CREATE INDEX sherd_item_timed ON sherd_item (queue, at) WHERE state = 'timed';
--> statement-breakpoint
CREATE INDEX sherd_item_parked ON sherd_item (queue) WHERE state = 'parked';
--> statement-breakpoint
CREATE INDEX sherd_item_done ON sherd_item (queue, at) WHERE state = 'done';
--> statement-breakpoint
CREATE UNIQUE INDEX sherd_item_key ON sherd_item (queue, key) WHERE key IS NOT NULL AND state <> 'done';
--> statement-breakpoint
CREATE INDEX sherd_item_blocking ON sherd_item (queue, concurrency_key)
  WHERE state = 'timed' AND concurrency_key IS NOT NULL AND release_key_on_retry = 0 AND failures + lost > 0;
--> statement-breakpoint
CREATE INDEX sherd_item_suspect ON sherd_item (queue, concurrency_key)
  WHERE state = 'ready' AND concurrency_key IS NOT NULL AND lost > 0;
--> statement-breakpoint
CREATE INDEX sherd_item_blocked ON sherd_item (queue, concurrency_key, name, priority DESC, seq)
  WHERE state = 'blocked';
--> statement-breakpoint
CREATE INDEX sherd_item_cancel ON sherd_item (queue) WHERE cancel = 1;
--> statement-breakpoint
CREATE TABLE sherd_lease (
  id TEXT PRIMARY KEY NOT NULL,
  queue TEXT NOT NULL,
  owner TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  items TEXT NOT NULL,
  revisions TEXT NOT NULL DEFAULT '{}',
  item INTEGER,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX sherd_lease_queue ON sherd_lease (queue, expires_at);
--> statement-breakpoint
CREATE UNIQUE INDEX sherd_lease_item ON sherd_lease (item) WHERE item IS NOT NULL;
--> statement-breakpoint
CREATE TABLE sherd_history (
  seq INTEGER PRIMARY KEY NOT NULL,
  queue TEXT NOT NULL,
  outcome TEXT NOT NULL,
  finished_at INTEGER NOT NULL,
  first_id TEXT NOT NULL,
  last_id TEXT NOT NULL,
  count INTEGER NOT NULL,
  ids TEXT NOT NULL,
  items TEXT NOT NULL,
  bodies TEXT NOT NULL,
  CONSTRAINT sherd_history_outcome CHECK (outcome IN ('completed', 'cancelled'))
);
--> statement-breakpoint
CREATE INDEX sherd_history_finished ON sherd_history (queue, outcome, finished_at, seq, count);
--> statement-breakpoint
CREATE INDEX sherd_history_ids ON sherd_history (queue, last_id, first_id);
