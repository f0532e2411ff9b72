/** BullMQ: jobs in Redis or, since version 6, in PostgreSQL (`bullmq-postgres.ts`). */
import { type Job, type JobsOptions, Queue, Worker } from "bullmq";
import type { OpenOptions, OpenSystem, Payload, System, TriggerOptions, WorkOptions } from "../system.ts";

export const queueName = "bench";

/** What the two backends construct each in its own way. */
export interface Bull {
  readonly queue: Pick<Queue<Payload>, "add" | "addBulk" | "close">;
  openWorker(run: (job: Job<Payload>) => Promise<void>, settings: WorkerSettings): BullWorker;
  unfinished(): Promise<number>;
  close(): Promise<void>;
}

interface WorkerSettings {
  readonly options: { readonly concurrency?: number };
  /** Of a pool to PostgreSQL; to Redis it is always one, and one to block on. */
  readonly connections: number;
}

export interface BullWorker {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

/** Its guide to concurrency calls 100 to 300 "quite standard"; its PostgreSQL page has retention keep tables small. */
const concurrency = 100;
const tunedJobs: JobsOptions = { removeOnComplete: true };

export const bullmqSettings: System["settings"] = {
  tuned: `concurrency ${concurrency}, removeOnComplete`,
  defaults: "concurrency 1, completed jobs kept",
};

export const bullmq: System = {
  name: "BullMQ",
  package: "bullmq",
  backend: "redis",
  settings: bullmqSettings,
  cannot: { triggerBesideWrite: "Redis takes no part in the transactions of a database" },
  countDivisor: 1,
  open: async (options) => openBull(options, onRedis(options)),
};

function onRedis({ url, mode }: OpenOptions): Bull {
  const connection = { url, maxRetriesPerRequest: null };
  const queue = new Queue<Payload>(queueName, { connection, ...queueSettings(mode) });
  return {
    queue,
    openWorker: (run, { options }) => new Worker<Payload>(queueName, run, { connection, ...options }),
    async unfinished() {
      const { waiting = 0, active = 0 } = await queue.getJobCounts("waiting", "active");
      return waiting + active;
    },
    close: () => queue.close(),
  };
}

export function queueSettings(mode: OpenOptions["mode"]): { defaultJobOptions?: JobsOptions } {
  return mode === "tuned" ? { defaultJobOptions: tunedJobs } : {};
}

export function openBull({ mode }: OpenOptions, { queue, ...bull }: Bull): OpenSystem {
  return {
    async trigger(payload) {
      await queue.add(queueName, payload);
    },
    async triggerTogether(payloads, options) {
      const opts = jobOptions(options);
      await queue.addBulk(payloads.map((data) => ({ name: queueName, data, opts })));
    },
    async work(options) {
      const run = async (job: Job<Payload>) => options.handler(job.data);
      const workers = workerSettings(options, mode).map((settings) => bull.openWorker(run, settings));
      for (const worker of workers) worker.on("error", report);
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
      return async () => {
        await Promise.all(workers.map((worker) => worker.close()));
      };
    },
    unfinished: () => bull.unfinished(),
    close: () => bull.close(),
  };
}

function workerSettings({ fleet }: WorkOptions, mode: OpenOptions["mode"]): WorkerSettings[] {
  if (!fleet) return [{ options: mode === "tuned" ? { concurrency } : {}, connections: 10 }];
  // Many pools of 10 connections keep two cores busy with themselves.
  return Array.from({ length: fleet.workers }, () => ({
    options: { concurrency: fleet.slots },
    connections: 4,
  }));
}

function jobOptions({ dueInMs }: TriggerOptions = {}): JobsOptions {
  return dueInMs ? { delay: dueInMs } : {};
}

export function report(error: Error): void {
  console.error(`BullMQ: ${error.message}`);
}
