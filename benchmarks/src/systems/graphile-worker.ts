/** graphile-worker: jobs in PostgreSQL, deleted when they are done; woken by NOTIFY. */
import { Logger, makeWorkerUtils, run, type TaskList } from "graphile-worker";
import type { OpenOptions, OpenSystem, Payload, System, TriggerOptions, WorkOptions } from "../system.ts";
import { inTransaction, insertOrder, openPool } from "./pg-transaction.ts";

type WorkerPreset = GraphileConfig.WorkerOptions;

/** Those with which worker.graphile.org/docs/performance measured its own numbers. */
const tuned: WorkerPreset = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

/** Its default logger writes a line for every job: a benchmark of the terminal. */
const quiet = new Logger(() => (level, message) => {
  if (level === "error") console.error(`graphile-worker: ${message}`);
});

export const graphileWorker: System = {
  name: "graphile-worker",
  package: "graphile-worker",
  backend: "postgres",
  settings: {
    tuned: "concurrentJobs 24, localQueue 500, completeJobBatchDelay 0; fleets: localQueue slots + 1; no log",
    defaults: "concurrentJobs 1, no local queue; no log",
  },
  cannot: {},
  countDivisor: 1,
  open,
};

async function open(options: OpenOptions): Promise<OpenSystem> {
  const { url, mode, install, parallel, namespace: task = "bench" } = options;
  const pool = openPool(url, parallel);
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  if (install) await utils.migrate();
  // A job's row is locked while it is with a worker, and no index finds locked rows.
  let lowestId = 0;

  return {
    async trigger(payload) {
      await utils.addJob(task, payload);
    },
    triggerBesideWrite: (order, payload) =>
      inTransaction(pool, async (client) => {
        await insertOrder(client, order);
        await client.query({
          name: "add_job",
          text: "select graphile_worker.add_job($1, $2)",
          values: [task, payload],
        });
      }),
    write: (order) => inTransaction(pool, (client) => insertOrder(client, order)),
    async triggerTogether(payloads, options) {
      await utils.addJobs(payloads.map((payload) => spec(task, payload, options)));
    },
    async work(options) {
      lowestId = Number.MAX_SAFE_INTEGER;
      const taskList: TaskList = {
        [task]: (payload, { job }) => {
          lowestId = Math.min(lowestId, Number(job.id));
          return options.handler(payload as Payload);
        },
      };
      const stops = await Promise.all(presets(options, mode).map((worker) => start(url, worker, taskList)));
      return async () => {
        await Promise.all(stops.map((stop) => stop()));
      };
    },
    async unfinished() {
      const { rows } = await pool.query<{ unfinished: number }>(
        `select case
           when exists (select from graphile_worker._private_jobs
                        where is_available and priority = 0 and run_at <= now()) then 1
           when exists (select from graphile_worker._private_jobs
                        where id >= $1 and locked_at is not null) then 1
           else 0
         end as unfinished`,
        [lowestId === Number.MAX_SAFE_INTEGER ? 0 : lowestId],
      );
      return rows[0]!.unfinished;
    },
    async close() {
      await utils.release();
      await pool.end();
    },
  };
}

function spec(identifier: string, payload: Payload, { dueInMs }: TriggerOptions = {}) {
  return { identifier, payload, ...(dueInMs && { runAt: new Date(Date.now() + dueInMs) }) };
}

function presets({ fleet }: WorkOptions, mode: OpenOptions["mode"]): WorkerPreset[] {
  if (!fleet) return [mode === "tuned" ? tuned : {}];
  // Handlers that take their time leave the connections idle.
  const worker: WorkerPreset = { concurrentJobs: fleet.slots, maxPoolSize: 4 };
  const batched: WorkerPreset = { ...tuned, ...worker, localQueue: { size: fleet.slots + 1 } };
  return Array.from({ length: fleet.workers }, () => (mode === "tuned" ? batched : worker));
}

async function start(url: string, worker: WorkerPreset, taskList: TaskList): Promise<() => Promise<void>> {
  // A pool that it opens itself is not yet closed when it says that it has stopped.
  const pgPool = openPool(url, worker.maxPoolSize ?? 10);
  const preset = { worker: { ...worker, logger: quiet } };
  const runner = await run({ preset, pgPool, noHandleSignals: true, taskList, crontab: "" });
  return async () => {
    await runner.stop();
    await pgPool.end();
  };
}
