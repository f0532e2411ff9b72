import type { DatabaseAdapter } from "@sherd/core";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { AdapterUnderTest, Deviation } from "./adapter-under-test.ts";
import type { Guarantees } from "./guarantee.ts";
import { queueUnderTest, type QueueUnderTest } from "./queue-under-test.ts";
import { cancel } from "./rings/cancel.ts";
import { claim } from "./rings/claim.ts";
import { closeLeases } from "./rings/close-leases.ts";
import { concurrency } from "./rings/concurrency.ts";
import { concurrencyKeys } from "./rings/concurrency-keys.ts";
import { database } from "./rings/database.ts";
import { engine } from "./rings/engine.ts";
import { enqueue } from "./rings/enqueue.ts";
import { extend } from "./rings/extend.ts";
import { hold } from "./rings/hold.ts";
import { inspect } from "./rings/inspect.ts";
import { keys } from "./rings/keys.ts";
import { longBacklogs } from "./rings/long-backlogs.ts";
import { migrations } from "./rings/migrations.ts";
import { nextWake } from "./rings/next-wake.ts";
import { notifier } from "./rings/notifier.ts";
import { payloads } from "./rings/payloads.ts";
import { prune } from "./rings/prune.ts";
import { pull } from "./rings/pull.ts";
import { pullDrafts } from "./rings/pull-drafts.ts";
import { pullEnds } from "./rings/pull-ends.ts";
import { pullFences } from "./rings/pull-fences.ts";
import { pullInspect } from "./rings/pull-inspect.ts";
import { pullRaces } from "./rings/pull-races.ts";
import { retry } from "./rings/retry.ts";
import { settle } from "./rings/settle.ts";
import { storm } from "./rings/storm.ts";
import { suspects } from "./rings/suspects.ts";
import { sweep } from "./rings/sweep.ts";
import { transactions } from "./rings/transactions.ts";
import { wake } from "./rings/wake.ts";

export interface DescribeAdapterOptions {
  readonly name: string;
  /** Make an empty database, another one at each call, and the adapter to test on it. */
  create(): Promise<AdapterUnderTest>;
  readonly deviations?: readonly Deviation[];
}

const groups: Readonly<Record<string, Guarantees>> = {
  transactions,
  database,
  migrations,
  enqueue,
  keys,
  claim,
  suspects,
  "concurrency keys": concurrencyKeys,
  "long backlogs": longBacklogs,
  extend,
  settle,
  sweep,
  hold,
  wake,
  "drafts of pulled items": pullDrafts,
  pull,
  "moves of pulled items": pullEnds,
  "fences of pulled items": pullFences,
  "pulled items beside others": pullInspect,
  "pulled items, several callers": pullRaces,
  "next wake": nextWake,
  "close leases": closeLeases,
  inspect,
  retry,
  cancel,
  prune,
  payloads,
  notifier,
  concurrency,
  storm,
  engine,
};

const timeoutMs = 30_000;

/**
 * Register the tests of every guarantee that an adapter gives, for vitest to run. A test that a deviation names must
 * fail. Throws when a deviation names no test.
 */
export function describeAdapter({ name, create, deviations = [] }: DescribeAdapterOptions): void {
  const reasons = new Map(deviations.map(({ test, reason }) => [test, reason]));
  const known = new Set(Object.values(groups).flatMap((guarantees) => Object.keys(guarantees)));
  const unknown = [...reasons.keys()].filter((test) => !known.has(test));
  if (unknown.length > 0) throw new Error(`Deviations name tests that there are not: ${unknown.join("; ")}`);
  describe(name, () => {
    const open = useDatabase(create);
    for (const [group, guarantees] of Object.entries(groups)) {
      describe(group, () => {
        for (const [test, run] of Object.entries(guarantees)) {
          const reason = reasons.get(test);
          if (reason === undefined) it(test, () => open(run), timeoutMs);
          else it.fails(`${test} — deviates: ${reason}`, () => open(run), timeoutMs);
        }
      });
    }
  });
}

type Test = (q: QueueUnderTest) => Promise<void>;

/** Make one migrated database for the suite, and answer what runs a test on a new queue of it. */
function useDatabase(create: () => Promise<AdapterUnderTest>): (test: Test) => Promise<void> {
  const databases: AdapterUnderTest[] = [];
  let others: readonly DatabaseAdapter[] = [];
  let open: ((test: Test) => Promise<void>) | undefined;

  async function empty(): Promise<AdapterUnderTest> {
    const database = await create();
    databases.push(database);
    return database;
  }

  async function inEmpty(work: (database: AdapterUnderTest) => Promise<void>): Promise<void> {
    const database = await empty();
    await runOn(database, () => work(database));
  }

  beforeAll(async () => {
    const underTest = await empty();
    const { adapter } = underTest;
    await runOn(underTest, () => adapter.migrator.apply([adapter.migrator.kernel]));
    if (underTest.another) others = [await underTest.another(), await underTest.another()];
    const [second = adapter, third = adapter] = others;
    const queue = () => queueUnderTest({ underTest, adapters: [adapter, second, third], inEmpty });
    open = (test) => runOn(underTest, () => test(queue()));
  }, timeoutMs);

  afterAll(async () => {
    for (const other of others) await other.close();
    for (const database of databases) await database.close();
  }, timeoutMs);

  return (test) => {
    if (open === undefined) throw new Error("The suite's database was not made.");
    return open(test);
  };
}

function runOn<T>({ run }: AdapterUnderTest, work: () => Promise<T>): Promise<T> {
  return run === undefined ? work() : run(work);
}
