import {
  type Clock,
  type Database,
  type DatabaseAdapter,
  invalidOption,
  type DurableHooksProcessor,
  newId,
  optionalFunction,
  readiness,
  requireKnown,
  requireText,
  systemClock,
  type Transaction,
  transactionOf,
} from "@sherd/core";
import type { SubjectCalls } from "./call/calls.ts";
import { ownScope, transactionScope } from "./call/scope.ts";
import { subjectCalls } from "./call/subject-calls.ts";
import { type SubjectErrorContext, type SubjectEvent, subjectReporter } from "./events.ts";
import type { SubjectInternals } from "./internals.ts";
import type { PoolId, Pools } from "./pool.ts";
import type { RunSubjects } from "./run/options.ts";
import { runSubjects } from "./run/run-subjects.ts";

export interface SubjectsOptions<P extends Pools> {
  readonly databaseAdapter: DatabaseAdapter;
  /** The pools that this code knows, by dispatcher id. */
  readonly pools: P;
  /** Subjects of one profile never see those of another. Up to 100 characters, without `/`. Default: `default`. */
  readonly profile?: string;
  /** Who holds the leases, for operators. Default: a random name for each call of this. */
  readonly owner?: string;
  /** Hears of what happens to the subjects that `runSubjects` drives. Called synchronously, so be quick. */
  readonly onEvent?: (event: SubjectEvent) => void;
  /** Hears of errors that no caller will see: Sherd itself never writes to the console. */
  readonly onError?: (error: unknown, context: SubjectErrorContext) => void;
  /** Seams for tests. */
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** The calls inside one transaction, and that transaction's database. */
export type SubjectTransaction<P extends Pools> = SubjectCalls<P> & { readonly db: Database };

export interface Subjects<P extends Pools> extends SubjectCalls<P> {
  readonly profile: string;
  /** The calls inside a transaction of the caller's: a drizzle transaction, or a fragment's unit of work. They commit with it. */
  within(transaction: object): SubjectCalls<P>;
  /** Run `work` in a transaction of its own: its calls and what it writes commit together or not at all. */
  transaction<T>(work: (tx: SubjectTransaction<P>) => Promise<T>): Promise<T>;
  /**
   * Make the processor of a pool: discovery, claims, heartbeats, checkpoints and failures. Hand it to a dispatcher, which
   * decides when it runs. Fails with `INVALID_OPTION`.
   */
  runSubjects<Id extends PoolId<P>>(options: RunSubjects<P, Id>): DurableHooksProcessor;
}

const names = [
  "databaseAdapter",
  "pools",
  "profile",
  "owner",
  "onEvent",
  "onError",
  "clock",
  "random",
] as const satisfies readonly (keyof SubjectsOptions<Pools>)[];

/** Open the subjects of one profile. Touches no database. Fails with `INVALID_OPTION`. */
export function createSubjects<P extends Pools>(options: SubjectsOptions<P>): Subjects<P> {
  const internals = internalsFor(options);
  const { adapter, profile } = internals;
  const calls = (scope: ReturnType<typeof ownScope>) => subjectCalls(internals, scope) as SubjectCalls<P>;
  return {
    ...calls(ownScope(internals)),
    profile,
    within(transaction) {
      const tx = transactionOf(transaction) ?? adapter.join(transaction);
      return calls(transactionScope(internals, tx, (queue) => adapter.notifier.publishOnCommit(tx, queue)));
    },
    async transaction(work) {
      await internals.ready();
      const queues = new Set<string>();
      const answer = await adapter.transaction((tx: Transaction) => {
        const scope = transactionScope(internals, tx, async (queue) => void queues.add(queue));
        return work(withDatabase(calls(scope), tx));
      });
      for (const queue of queues) adapter.notifier.publish(queue, "work");
      return answer;
    },
    runSubjects: (run) => runSubjects(internals, run as never),
  };
}

/** `db` is asked for late: a transaction that only moves subjects needs none. */
function withDatabase<P extends Pools>(calls: SubjectCalls<P>, tx: Transaction): SubjectTransaction<P> {
  return Object.defineProperty({ ...calls }, "db", {
    get: () => tx.db,
    enumerable: true,
  }) as SubjectTransaction<P>;
}

function internalsFor<P extends Pools>(options: SubjectsOptions<P>): SubjectInternals {
  requireKnown("subjects", options, names);
  const { databaseAdapter: adapter, pools, owner, profile = "default", clock = systemClock } = options;
  if (typeof adapter !== "object" || adapter === null || !("pull" in adapter))
    throw invalidOption("subjects.databaseAdapter", adapter, "an adapter, such as sqliteAdapter(…)");
  if (typeof pools !== "object" || pools === null || Object.keys(pools).length === 0)
    throw invalidOption("subjects.pools", pools, "an object with a pool(…) for each dispatcher id");
  for (const [dispatcherId, one] of Object.entries(pools)) {
    requireText("subjects.pools' dispatcherId", dispatcherId, 200);
    if (typeof one?.retry !== "object")
      throw invalidOption(`subjects.pools.${dispatcherId}`, one, "made by pool(…)");
  }
  requireText("subjects.profile", profile, 100);
  if (profile.includes("/")) throw invalidOption("subjects.profile", profile, "a text without a slash");
  return {
    adapter,
    profile,
    pools,
    clock,
    owner: owner === undefined ? `subjects-${newId()}` : requireText("subjects.owner", owner, 200),
    random: options.random ?? Math.random,
    report: subjectReporter(
      profile,
      optionalFunction("subjects.onEvent", options.onEvent),
      optionalFunction("subjects.onError", options.onError),
    ),
    triggering: new Map(),
    ready: readiness(adapter, [adapter.migrator.kernel]),
  };
}
