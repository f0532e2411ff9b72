import { DatabaseSync } from "node:sqlite";
import { uuidv7 } from "uuidv7";
import type { OpenOptions, OpenSystem, Payload, System, WorkOptions } from "../system.ts";
import { queue } from "./item-table.ts";

const batch = 100;
const onlyDrains = "measured for its drain alone";

/**
 * The classic design on node:sqlite: a claim marks rows, a settle marks them again, both in one transaction a batch. Its
 * worker ends with the backlog.
 */
export const nodeSqlite: System = {
  name: "node:sqlite by hand",
  package: null,
  backend: "sqlite",
  settings: {
    tuned: `WAL, synchronous NORMAL, settle and claim in one transaction, batch ${batch}`,
    defaults: `WAL, synchronous NORMAL, settle and claim in one transaction, batch ${batch}`,
  },
  cannot: {
    trigger: onlyDrains,
    triggerBesideWrite: onlyDrains,
    manyWorkers: onlyDrains,
    otherProcess: onlyDrains,
    waiting: onlyDrains,
    dueLater: onlyDrains,
  },
  countDivisor: 1,
  open,
};

const table = `create table item (
  seq integer primary key, id text not null unique, queue text not null, name text not null, key text, state text not null,
  at integer, priority integer not null default 0, gate text, concurrency_key text,
  release_key_on_retry integer not null default 0, revision integer not null default 0, cancel integer not null default 0,
  attempts integer not null default 0, failures integer not null default 0, lost integer not null default 0,
  max_attempts integer not null, retry text not null, timeout_ms integer, outcome text, errors text, body text not null,
  memo text, trace text, lease_owner text, lease_until integer, created_at integer not null
) strict;
create index item_ready on item (queue, priority desc, seq) where state = 'ready';
create index item_timed on item (queue, at) where state = 'timed';
create index item_held on item (queue, lease_until) where state = 'held';
create unique index item_key on item (queue, key) where key is not null and state <> 'done'`;

const insert = `insert into item (id, queue, name, state, max_attempts, retry, body, created_at)
values (?, '${queue}', 'run', 'ready', 20, 'exponential(1000,2,3600000,0.2)', ?, ?)`;

const claim = `update item set state = 'held', lease_owner = ?, lease_until = ? where seq in (
  select seq from item where queue = '${queue}' and state = 'ready' and name = 'run'
  order by priority desc, seq limit ${batch}
) returning seq, body`;

const settle = `update item set state = 'done', outcome = 'completed', attempts = attempts + 1, at = ?, lease_owner = null
where seq in (select value from json_each(?)) and state = 'held' and lease_owner = ?`;

async function open({ url, install }: OpenOptions): Promise<OpenSystem> {
  const database = new DatabaseSync(url);
  database.exec("pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on");
  if (install) database.exec(table);
  const [inserted, unfinished] = [
    database.prepare(insert),
    database.prepare("select exists(select 1 from item where state in ('ready', 'held')) as found"),
  ];
  return {
    async triggerTogether(payloads) {
      database.exec("begin immediate");
      for (const payload of payloads) inserted.run(uuidv7(), JSON.stringify(payload), Date.now());
      database.exec("commit");
    },
    work: async (options) => work(database, options),
    unfinished: async () => Number(unfinished.get()?.["found"]),
    close: async () => database.close(),
  };
}

async function work(database: DatabaseSync, { handler }: WorkOptions): Promise<() => Promise<void>> {
  const [claimed, settled] = [database.prepare(claim), database.prepare(settle)];
  const owner = crypto.randomUUID();
  const turn = (ended: readonly number[]) => {
    database.exec("begin immediate");
    if (ended.length > 0) settled.run(Date.now(), JSON.stringify(ended), owner);
    const rows = claimed.all(owner, Date.now() + 60_000);
    database.exec("commit");
    return rows;
  };
  const loop = async () => {
    let ended: number[] = [];
    do {
      const rows = turn(ended);
      ended = rows.map(({ seq }) => Number(seq));
      const running = rows.map(({ body }) => handler(JSON.parse(String(body)) as Payload));
      await Promise.all(running);
      // Lets timers and other work of the process have their turn between batches, as a worker must.
      await new Promise((resolve) => setImmediate(resolve));
    } while (ended.length > 0);
  };
  const looping = loop();
  return () => looping;
}
