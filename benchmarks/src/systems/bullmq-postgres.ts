/** BullMQ over PostgreSQL: the same queues and workers, each worker woken by NOTIFY. */
import { createPostgresBackend, runMigrations, withBackend } from "bullmq";
import type { OpenOptions, Payload, System } from "../system.ts";
import {
  type Bull,
  type BullWorker,
  bullmqSettings,
  openBull,
  queueName,
  queueSettings,
  report,
} from "./bullmq.ts";
import { openPool } from "./pg-transaction.ts";

const { Queue, Worker } = withBackend(createPostgresBackend);

export const bullmqPostgres: System = {
  name: "BullMQ on PostgreSQL",
  package: "bullmq",
  backend: "postgres",
  settings: bullmqSettings,
  cannot: { triggerBesideWrite: "it adds jobs over connections of its own, not in a caller's transaction" },
  countDivisor: 10,
  async open(options) {
    if (options.install) await install(options.url);
    return openBull(options, onPostgres(options));
  },
};

async function install(url: string): Promise<void> {
  const pool = openPool(url, 1);
  const client = await pool.connect();
  await runMigrations(client);
  client.release();
  await pool.end();
}

function onPostgres({ url: connectionString, mode, parallel }: OpenOptions): Bull {
  const pool = openPool(connectionString, 1);
  const queue = new Queue<Payload>(queueName, {
    connection: { connectionString, max: parallel },
    ...queueSettings(mode),
  });
  queue.on("error", report);
  return {
    queue,
    openWorker: (run, { options, connections: max }): BullWorker =>
      new Worker<Payload>(queueName, run, { connection: { connectionString, max }, ...options }),
    async unfinished() {
      // Its own count reads the rows of every state.
      const { rows } = await pool.query<{ unfinished: number }>(
        `select (exists (select from bullmq.job where queue = $1 and state = 'waiting')
           or exists (select from bullmq.job where queue = $1 and state = 'active'))::int as unfinished`,
        [queueName],
      );
      return rows[0]!.unfinished;
    },
    async close() {
      await queue.close();
      await pool.end();
    },
  };
}
