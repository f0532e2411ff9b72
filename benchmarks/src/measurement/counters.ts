import postgres, { type Sql } from "postgres";
import type { Place } from "./place.ts";

/** What the server counts besides time, from a connection to another database, so that it does not count itself. */
export class Counters {
  readonly #sql: Sql;
  readonly #url: string;

  constructor({ url, adminUrl }: Place) {
    if (adminUrl === null) throw new Error("Only PostgreSQL counts statements.");
    this.#sql = postgres(adminUrl, { max: 1, fetch_types: false });
    this.#url = url;
  }

  get #database(): string {
    return new URL(this.#url).pathname.slice(1);
  }

  /** Statements as clients send them, BEGIN and COMMIT too. */
  async statements(): Promise<number> {
    const [row] = await this.#sql<{ calls: number }[]>`
      select coalesce(sum(s.calls), 0)::float8 as calls from pg_stat_statements s
      join pg_database d on d.oid = s.dbid where d.datname = ${this.#database}`;
    return row?.calls ?? 0;
  }

  /** Bytes of WAL that the server has ever written. */
  async walBytes(): Promise<number> {
    const [row] = await this.#sql<{ bytes: number }[]>`
      select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`;
    return row?.bytes ?? 0;
  }

  /** Of the database since it was made. Sessions report when they end, so ask once they have. */
  async totals(): Promise<{ readonly transactions: number; readonly deadTuples: number }> {
    const inside = postgres(this.#url, { max: 1, fetch_types: false });
    const [row] = await inside<{ transactions: number; dead: number }[]>`
      select (select xact_commit::float8 from pg_stat_database where datname = current_database()) as transactions,
        (select coalesce(sum(n_tup_upd + n_tup_del), 0)::float8 from pg_stat_user_tables) as dead`;
    await inside.end();
    return { transactions: row?.transactions ?? 0, deadTuples: row?.dead ?? 0 };
  }

  async close(): Promise<void> {
    await this.#sql.end();
  }
}

export interface StatementTime {
  readonly query: string;
  readonly calls: number;
  readonly rows: number;
  readonly ms: number;
  readonly walBytes: number;
}

/** The statements of a database on which its server spent most time. */
export async function statementTimes(url: string, limit: number): Promise<readonly StatementTime[]> {
  const admin = new URL(url);
  admin.pathname = "/postgres";
  const sql = postgres(admin.href, { max: 1, fetch_types: false });
  const rows = await sql<StatementTime[]>`
    select left(regexp_replace(s.query, '\\s+', ' ', 'g'), 110) as query, s.calls::float8 as calls, s.rows::float8 as rows,
      s.total_exec_time as ms, s.wal_bytes::float8 as "walBytes"
    from pg_stat_statements s join pg_database d on d.oid = s.dbid
    where d.datname = ${new URL(url).pathname.slice(1)}
    order by s.total_exec_time desc limit ${limit}`;
  await sql.end();
  return rows;
}
