import { DatabaseSync } from "node:sqlite";
import type { OpenOptions, OpenSystem, System } from "../system.ts";
import { type ClaimedSubject, leaseMs, onlySubjects, subjectKeys } from "./subject-table.ts";

const settings = "WAL, synchronous NORMAL, one table, one prepared statement a claim and a subject's end";

/** The same over one table of its own; what ends together is one transaction. */
export const subjectsByHandSqlite: System = {
  name: "subjects on node:sqlite by hand",
  package: null,
  backend: "sqlite",
  settings: { tuned: settings, defaults: settings },
  cannot: onlySubjects,
  countDivisor: 1,
  open,
};

const table = `create table subject (
  key text primary key, due_at integer, lease_owner text, lease_expires_at integer, revision integer not null default 0,
  status text not null default 'idle', cursor text, meta text, attempt integer not null default 0,
  failure_count integer not null default 0, last_error text, last_started_at integer, last_finished_at integer
) strict;
create index subject_due on subject (due_at) where lease_owner is null;
create index subject_held on subject (lease_expires_at) where lease_owner is not null`;

const sync = "insert into subject (key, due_at) values (?, ?)";

const claim = `update subject set status = 'leased', lease_owner = ?, revision = revision + 1, attempt = attempt + 1,
  lease_expires_at = ?, last_started_at = ?
where key in (select key from subject where due_at <= ? and lease_owner is null order by due_at limit ?)
returning key, revision, cursor, meta`;

const complete = `update subject set status = 'succeeded', due_at = ?, lease_owner = null, lease_expires_at = null,
  revision = revision + 1, attempt = 0, failure_count = 0, last_finished_at = ?
where key = ? and revision = ?`;

async function open({ url }: OpenOptions): Promise<OpenSystem> {
  const database = new DatabaseSync(url);
  database.exec(`pragma journal_mode = wal; pragma synchronous = normal; ${table}`);
  const owner = crypto.randomUUID();
  const [synced, claimed, completed] = [
    database.prepare(sync),
    database.prepare(claim),
    database.prepare(complete),
  ];
  const together = (run: () => void) => {
    database.exec("begin immediate");
    run();
    database.exec("commit");
  };
  return {
    async subjects(count) {
      together(() => subjectKeys(count).forEach((key) => synced.run(key, Date.now())));
      return {
        async turn(limit) {
          const now = Date.now();
          const rows = claimed.all(owner, now + leaseMs, now, now, limit) as unknown as ClaimedSubject[];
          together(() => {
            for (const { key, revision } of rows) completed.run(Date.now(), Date.now(), key, revision);
          });
          // A caller's other work has its turn, as it has between two calls of any client.
          await new Promise((resolve) => setImmediate(resolve));
          return rows.length;
        },
      };
    },
    close: async () => database.close(),
  };
}
