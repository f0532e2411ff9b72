/** What the floors on PostgreSQL share: connections, inserts, and the fleet; each brings its tables, its claim and its settle. */
import postgres, { type Sql } from "postgres";
import type { OpenOptions, OpenSystem, Order, System, WorkOptions } from "../system.ts";
import { createItemTable, insertItems, insertOne, parametersOf } from "./item-table.ts";
import { type FloorStatements, FloorWorker } from "./worker.ts";

export interface Floor<Lease> {
  readonly name: string;
  readonly settings: string;
  /** Columns, indexes, tables and functions beside the item table. */
  readonly schema: readonly string[];
  /** Claims and settles at most so many at a time. */
  readonly batch: number;
  statements(connections: FloorConnections): FloorStatements<Lease>;
  /** The condition of rows that are due or held. */
  readonly unfinished: string;
  /** Each trigger of its own is followed by a NOTIFY after its commit, for which the workers listen. */
  readonly notifies?: boolean;
}

/** Those of one worker, so that a claim and a settle can be under way at once; each is one connection, and pipelines. */
export interface FloorConnections {
  readonly claims: Sql;
  readonly settles: Sql;
}

const channel = "floor";

/** So many batches are in flight: one runs and settles while the next is claimed. */
const batchesInFlight = 3;

export function floorSystem<Lease>(floor: Floor<Lease>): System {
  const { name, settings } = floor;
  return {
    name,
    package: null,
    backend: "postgres",
    settings: { tuned: settings, defaults: settings },
    cannot: {},
    countDivisor: 1,
    open: (options) => openFloor(floor, options),
  };
}

async function openFloor<Lease>(floor: Floor<Lease>, options: OpenOptions): Promise<OpenSystem> {
  const { url, parallel, install } = options;
  const open = (max: number) => postgres(url, { max, onnotice: () => {} });
  const sql = open(Math.max(parallel, 2));
  const notifier = open(1);
  if (install) await createItemTable(sql, floor.schema);
  return {
    async trigger(payload) {
      await sql.unsafe(insertOne, parametersOf(payload), { prepare: true });
      if (floor.notifies) void notifier.notify(channel, "");
    },
    write: (order) => inTransaction(sql, (tx) => [insertOrder(tx, order)]),
    triggerBesideWrite: (order, payload) =>
      inTransaction(sql, (tx) => [
        insertOrder(tx, order),
        tx.unsafe(insertOne, parametersOf(payload), { prepare: true }),
      ]),
    triggerTogether: (payloads, { dueInMs = null } = {}) => insertItems(sql, payloads, dueInMs),
    work: (work) => startWorkers(floor, open, work),
    async unfinished() {
      const text = `select exists(select from item where ${floor.unfinished}) as is`;
      const [row] = await sql.unsafe(text, [], { prepare: true });
      return Number(row?.["is"]);
    },
    async close() {
      await Promise.all([sql.end(), notifier.end()]);
    },
  };
}

async function startWorkers<Lease>(
  { batch, statements, notifies = false }: Floor<Lease>,
  open: (max: number) => Sql,
  { fleet, handler }: WorkOptions,
): Promise<() => Promise<void>> {
  const { workers = 1, slots = batch * batchesInFlight } = fleet ?? {};
  const started = Array.from({ length: workers }, () => {
    const connections = { claims: open(1), settles: open(1) };
    return {
      connections,
      worker: new FloorWorker({ statements: statements(connections), handler, slots, batch }),
    };
  });
  const clients = started.flatMap(({ connections: { claims, settles } }) => [claims, settles]);
  await Promise.all(clients.map((client) => client`select 1`));
  const wake = () => started.forEach(({ worker }) => worker.wake());
  if (notifies) clients.push(await listen(open, wake));
  wake();
  return async () => {
    await Promise.all(started.map(({ worker }) => worker.stop()));
    await Promise.all(clients.map((client) => client.end()));
  };
}

async function listen(open: (max: number) => Sql, wake: () => void): Promise<Sql> {
  const listener = open(1);
  await listener.listen(channel, wake);
  return listener;
}

/** The statements go out in one flight, after BEGIN's answer; COMMIT after theirs, as a user's code would have it. */
async function inTransaction(sql: Sql, statements: (tx: Sql) => Promise<unknown>[]): Promise<void> {
  await sql.begin(async (tx) => {
    await Promise.all(statements(tx as unknown as Sql));
  });
}

function insertOrder(tx: Sql, { amount, note }: Order) {
  return tx`insert into bench_order (amount, note) values (${amount}, ${note})`;
}
