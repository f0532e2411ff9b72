/** DBOS: durable workflows in PostgreSQL; a workflow that is put on one of its queues is the nearest to a hook. */
import { randomUUID } from "node:crypto";
import { DBOS, DBOSClient, type DBOSConfig } from "@dbos-inc/dbos-sdk";
import type { OpenOptions, OpenSystem, Payload, System, WorkOptions } from "../system.ts";
import { inTransaction, insertOrder, openPool } from "./pg-transaction.ts";

/** Of the application, its version, its queue and its workflow. */
const name = "bench";
const target = { queueName: name, workflowName: name };

/** By default its queues are polled every second and its pool has 10 connections; a queue has no limit. */
const tuned = { minPollingIntervalMs: 10, systemDatabasePoolSize: 20 };

/** Its own logger greets on the console, where the harness reads. */
const logger: NonNullable<DBOSConfig["logger"]> = {
  debug() {},
  info() {},
  warn: (entry) => console.error(`DBOS: ${String(entry)}`),
  error: (entry) => console.error(`DBOS: ${String(entry)}`),
};

export const dbos: System = {
  name: "DBOS",
  package: "@dbos-inc/dbos-sdk",
  backend: "postgres",
  settings: {
    tuned: `no limit of concurrency, poll every ${tuned.minPollingIntervalMs} ms, ${tuned.systemDatabasePoolSize} connections`,
    defaults: "no limit of concurrency, poll every second, 10 connections",
  },
  cannot: { manyWorkers: "a process has one DBOS, which is one worker" },
  countDivisor: 10,
  open,
};

/** Workflows are registered once in a process, before its first launch. */
let handler: WorkOptions["handler"] = () => undefined;
DBOS.registerWorkflow(
  async (payload: Payload) => {
    await handler(payload);
  },
  { name },
);

async function open(options: OpenOptions): Promise<OpenSystem> {
  const { url, install, parallel } = options;
  const isTuned = options.mode === "tuned";
  if (install) {
    await launch(options);
    await DBOS.registerQueue(name, isTuned ? { minPollingIntervalMs: tuned.minPollingIntervalMs } : {});
    await DBOS.shutdown();
  }
  const pool = openPool(url, parallel);
  const client = await DBOSClient.create({
    systemDatabaseUrl: url,
    systemDatabasePool: pool,
    applicationName: name,
    logger,
  });

  return {
    async trigger(payload) {
      await client.enqueue(target, payload);
    },
    triggerBesideWrite: (order, payload) =>
      inTransaction(pool, async (connection) => {
        await insertOrder(connection, order);
        await client.enqueueInTransaction(connection, target, payload);
      }),
    write: (order) => inTransaction(pool, (connection) => insertOrder(connection, order)),
    async triggerTogether(payloads, { dueInMs } = {}) {
      // Its client has no call for many; its SQL function can be called for many rows.
      await pool.query(
        `select count(dbos.enqueue_workflow(
           workflow_name => $1, queue_name => $1, application_name => $1,
           positional_args => array[payload::json], delay_until_epoch_ms => $2))
         from unnest($3::text[]) as payload`,
        [name, dueInMs ? Date.now() + dueInMs : null, payloads.map((payload) => JSON.stringify(payload))],
      );
    },
    async work(work) {
      handler = work.handler;
      if (work.fleet) await (await client.retrieveQueue(name))?.setWorkerConcurrency(work.fleet.slots);
      await launch(options);
      return () => DBOS.shutdown({ workflowCompletionTimeoutMS: 60_000 });
    },
    async unfinished() {
      const { rows } = await pool.query<{ unfinished: number }>(
        `select (exists (select from dbos.workflow_status where queue_name = $1 and status = 'ENQUEUED')
           or exists (select from dbos.workflow_status where queue_name = $1 and status = 'PENDING'))::int as unfinished`,
        [name],
      );
      return rows[0]!.unfinished;
    },
    async close() {
      await client.destroy();
      await pool.end();
    },
  };
}

async function launch({ url, mode }: OpenOptions): Promise<void> {
  DBOS.setConfig({
    name,
    applicationVersion: name,
    // Two processes with the same id would take each other's workflows for abandoned ones of their own.
    executorID: randomUUID(),
    systemDatabaseUrl: url,
    logger,
    ...(mode === "tuned" && { systemDatabasePoolSize: tuned.systemDatabasePoolSize }),
  });
  await DBOS.launch();
}
