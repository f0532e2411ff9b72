/** pg-boss: jobs in PostgreSQL, kept for days after they are done; workers poll, or are woken by NOTIFY. */
import {
  type ConstructorOptions as BossOptions,
  type JobInsert,
  PgBoss,
  type WorkOptions as PollOptions,
} from "pg-boss";
import type { OpenOptions, OpenSystem, Payload, System, TriggerOptions, WorkOptions } from "../system.ts";
import { inTransaction, insertOrder, openPool } from "./pg-transaction.ts";

/** A full batch is followed by the next one at once; half a second is the shortest poll that it accepts. */
const backlog: PollOptions = { burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
const tuned: PollOptions = { ...backlog, batchSize: 2000, localConcurrency: 2 };

export const pgBoss: System = {
  name: "pg-boss",
  package: "pg-boss",
  backend: "postgres",
  settings: {
    tuned:
      "batchSize 2000, localConcurrency 2, burstWhenBatchFull; fleets: two batches of half the slots; latency: NOTIFY",
    defaults: "batchSize 1, localConcurrency 1, a poll every 2 s: one job every 2 s",
  },
  cannot: { defaults: "by default a worker runs one job every 2 s, as documented: 0.5 a second" },
  countDivisor: 1,
  open,
};

async function open(options: OpenOptions): Promise<OpenSystem> {
  const { url, mode, install, parallel, namespace: queue = "bench" } = options;
  const isTuned = mode === "tuned";
  // Who triggers learns from this cache that the queue is to notify.
  const shared = isTuned ? { useListenNotify: true, queueCacheIntervalSeconds: 1 } : {};
  // Upkeep and schedules are for those who work.
  const boss = await startBoss(url, parallel, { ...shared, supervise: false, schedule: false });
  const pool = openPool(url, parallel);
  if (install) await boss.createQueue(queue);

  return {
    async trigger(payload) {
      await boss.send(queue, payload);
    },
    triggerBesideWrite: (order, payload) =>
      inTransaction(pool, async (client) => {
        await insertOrder(client, order);
        const db = { executeSql: (text: string, values: unknown[] = []) => client.query(text, values) };
        await boss.send(queue, payload, { db });
      }),
    write: (order) => inTransaction(pool, (client) => insertOrder(client, order)),
    async triggerTogether(payloads, options) {
      await boss.insert(
        queue,
        payloads.map((payload) => job(payload, options)),
      );
    },
    async work(options) {
      if (isTuned && options.forLatency) await boss.updateQueue(queue, { notify: true });
      const { workers } = options.fleet ?? { workers: 1 };
      const bosses = await Promise.all(Array.from({ length: workers }, () => startBoss(url, 4, shared)));
      const poll = pollOptions(options, isTuned);
      await Promise.all(bosses.map((each) => each.work<Payload>(queue, poll, runBatch(options.handler))));
      return async () => {
        await Promise.all(bosses.map((each) => each.stop()));
      };
    },
    async unfinished() {
      const { rows } = await pool.query<{ unfinished: number }>(
        `select (exists (select from pgboss.job where name = $1 and state = 'created' and start_after <= now())
           or exists (select from pgboss.job where name = $1 and state = 'retry' and start_after <= now())
           or exists (select from pgboss.job where name = $1 and state = 'active'))::int as unfinished`,
        [queue],
      );
      return rows[0]!.unfinished;
    },
    async close() {
      await boss.stop();
      await pool.end();
    },
  };
}

async function startBoss(
  connectionString: string,
  max: number,
  options: Partial<BossOptions>,
): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString, max, ...options });
  boss.on("error", (error) => console.error(`pg-boss: ${error.message}`));
  return boss.start();
}

function pollOptions({ fleet, forLatency }: WorkOptions, isTuned: boolean): PollOptions {
  if (!isTuned) return fleet ? { localConcurrency: fleet.slots } : {};
  if (forLatency) return { ...tuned, notifyPollingIntervalSeconds: 0.5 };
  // A batch ends with its slowest job, so that two halves keep more slots busy than one whole.
  return fleet ? { ...backlog, batchSize: Math.ceil(fleet.slots / 2), localConcurrency: 2 } : tuned;
}

function runBatch(handler: WorkOptions["handler"]) {
  return async (jobs: readonly { readonly data: Payload }[]) => {
    const running: Promise<void>[] = [];
    for (const { data } of jobs) {
      const run = handler(data);
      if (run) running.push(run);
    }
    await Promise.all(running);
  };
}

function job(data: Payload, { dueInMs }: TriggerOptions = {}): JobInsert {
  return { data, ...(dueInMs && { startAfter: new Date(Date.now() + dueInMs) }) };
}
