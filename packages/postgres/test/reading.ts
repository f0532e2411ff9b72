/** What comes between the commit of a claim's lease and the reading of its bodies, in a database of the test's own. */
import { eventually } from "@sherd/testing";
import postgres from "postgres";

const lock = 4711;

export interface Reading {
  /** Have `claim` lease, then run `work`, which gets the backend that claims, then let `claim` read. */
  between<T>(claim: () => Promise<T>, work: (pid: number) => Promise<unknown>): Promise<T>;
  close(): Promise<void>;
}

/** From now on, every claim in this migrated database waits before it reads, while `between` says so. */
export async function holdUpReading(url: string): Promise<Reading> {
  const client = postgres(url, { max: 2, onnotice: () => {} });
  await client.unsafe("alter function sherd_read_claimed_v1(uuid[]) rename to sherd_read_claimed_unhindered");
  await client.unsafe(`create function sherd_read_claimed_v1(p_ids uuid[]) returns text language plpgsql volatile as $$
    begin
      perform pg_advisory_xact_lock_shared(${lock});
      return sherd_read_claimed_unhindered(p_ids);
    end $$`);
  const waiting = async () => {
    const backends = await client<{ pid: number }[]>`select pid from pg_locks
      where locktype = 'advisory' and objid = ${lock} and objsubid = 1 and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    return backends[0]?.pid ?? 0;
  };
  return {
    async between(claim, work) {
      const { claiming } = await client.begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(${lock})`;
        const begun = claim();
        begun.catch(() => {});
        await work(await eventually(waiting, { withinMs: 5000 }));
        return { claiming: begun };
      });
      return claiming;
    },
    close: () => client.end(),
  };
}
