import postgres from "postgres";
import type { OpenOptions, OpenSystem, System } from "../system.ts";
import { type ClaimedSubject, leaseMs, onlySubjects, subjectKeys } from "./subject-table.ts";

const settings = "one table, FOR UPDATE SKIP LOCKED, prepared statements, completed by revision";

/** The same over one table of its own: nothing of leases or failures beside its columns. */
export const subjectsByHand: System = {
  name: "subjects by hand",
  package: null,
  backend: "postgres",
  settings: { tuned: settings, defaults: settings },
  cannot: onlySubjects,
  countDivisor: 1,
  open,
};

const table = `create table subject (
  key text primary key, due_at timestamp with time zone, lease_owner text, lease_expires_at timestamp with time zone,
  revision integer not null default 0, status text not null default 'idle', cursor jsonb, meta jsonb,
  attempt integer not null default 0, failure_count integer not null default 0, last_error jsonb,
  last_started_at timestamp with time zone, last_finished_at timestamp with time zone
);
create index subject_due on subject (due_at) where lease_owner is null;
create index subject_held on subject (lease_expires_at) where lease_owner is not null`;

const sync = "insert into subject (key, due_at) select key, now() from unnest($1::text[]) key";

const claim = `update subject s set status = 'leased', lease_owner = $2, revision = s.revision + 1, attempt = s.attempt + 1,
  lease_expires_at = now() + $3 * interval '1 millisecond', last_started_at = now()
from (
  select key from subject where due_at <= now() and lease_owner is null
  order by due_at limit $1 for update skip locked
) due
where s.key = due.key
returning s.key, s.revision, s.cursor, s.meta`;

const complete = `update subject s set status = 'succeeded', due_at = now(), lease_owner = null, lease_expires_at = null,
  revision = s.revision + 1, attempt = 0, failure_count = 0, last_finished_at = now()
from unnest($1::text[], $2::integer[]) as ended(key, revision)
where s.key = ended.key and s.revision = ended.revision
returning s.key, s.revision`;

async function open({ url }: OpenOptions): Promise<OpenSystem> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql.unsafe(table);
  const owner = crypto.randomUUID();
  return {
    async subjects(count) {
      await sql.unsafe(sync, [subjectKeys(count) as string[]]);
      return {
        async turn(limit) {
          const rows = await sql.unsafe<ClaimedSubject[]>(claim, [limit, owner, leaseMs], { prepare: true });
          const keys = rows.map(({ key }) => key);
          const revisions = rows.map(({ revision }) => revision);
          return (await sql.unsafe(complete, [keys, revisions], { prepare: true })).length;
        },
      };
    },
    close: () => sql.end(),
  };
}
