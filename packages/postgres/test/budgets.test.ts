/** What a hook costs, in counts that a noisy machine does not change: on a server of its own, which nobody else writes to. */
import { createDurableHooksProcessor, defineFragment, hook, instantiate, migrate } from "@sherd/core";
import { eventually } from "@sherd/testing";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../../tooling/postgres.ts";
import { postgresAdapter } from "../src/index.ts";

const count = 5_000;
const warmUp = 1_000;

const definition = defineFragment("budget")
  .withHooks(() => ({ noop: hook({ run: () => {} }) }))
  .withServices(() => ({ trigger: async (uow) => uow.triggerHook("noop") }))
  .build();

interface Costs {
  readonly walBytes: number;
  readonly transactions: number;
  readonly written: Readonly<Record<string, { readonly dead: number; readonly inserted: number }>>;
}

let server: PostgresServer;
let sql: Sql;
/** Of each of `count` hooks that were triggered a thousand at a time and drained by one processor with its defaults. */
let perHook: Costs;

beforeAll(async () => {
  server = await startPostgres();
  sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await triggerAndDrain(warmUp, true);
  const before = await costs();
  await triggerAndDrain(count, false);
  const after = await costs();
  const of = (table: string, what: "dead" | "inserted") =>
    ((after.written[table]?.[what] ?? 0) - (before.written[table]?.[what] ?? 0)) / count;
  perHook = {
    walBytes: (after.walBytes - before.walBytes) / count,
    transactions: (after.transactions - before.transactions) / count,
    written: Object.fromEntries(
      Object.keys(after.written).map((table) => [
        table,
        { dead: of(table, "dead"), inserted: of(table, "inserted") },
      ]),
    ),
  };
}, 60_000);

afterAll(async () => {
  await sql.end();
  await server.stop();
});

/** With an adapter of its own: a connection tells its counts at its end at the latest. */
async function triggerAndDrain(hooks: number, isFirst: boolean): Promise<void> {
  const adapter = postgresAdapter(server.url, { listen: false });
  const fragment = instantiate(definition).withOptions({ databaseAdapter: adapter }).build();
  if (isFirst) await migrate(fragment);
  for (let batch = 0; batch < hooks / 1_000; batch++) {
    await fragment.transaction(async (uow) => {
      for (let hook = 0; hook < 1_000; hook++) uow.triggerHook("noop");
    });
  }
  const processor = createDurableHooksProcessor(fragment);
  expect(await processor?.processDue({ deadlineMs: 30_000 })).toMatchObject({ completed: hooks });
  await adapter.close();
}

async function costs(): Promise<Costs> {
  await allConnectionsEnded();
  const [row] = await sql`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal, xact_commit::float8 as transactions
    from pg_stat_database where datname = current_database()`;
  const tables = await sql`
    select relname as name, (n_tup_upd + n_tup_del)::float8 as dead, n_tup_ins::float8 as inserted
    from pg_stat_user_tables where relname in ('sherd_item', 'sherd_lease', 'sherd_history')`;
  return {
    walBytes: Number(row?.["wal"]),
    transactions: Number(row?.["transactions"]),
    written: Object.fromEntries(
      tables.map((table) => [
        String(table["name"]),
        { dead: Number(table["dead"]), inserted: Number(table["inserted"]) },
      ]),
    ),
  };
}

async function allConnectionsEnded(): Promise<void> {
  const others = async () =>
    sql`select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  await eventually(async () => (await others()).count === 0, { withinMs: 10_000 });
}

test("a hook costs at most 700 bytes of WAL, trigger and history included", () => {
  expect(perHook.walBytes).toBeLessThanOrEqual(700);
});

test("a hook costs at most a fortieth of a transaction, trigger included", () => {
  expect(perHook.transactions).toBeLessThanOrEqual(0.025);
});

test("a hook is written once and deleted once; its lease and its history are shared by many", () => {
  const { sherd_item: item, sherd_lease: lease, sherd_history: history } = perHook.written;
  expect(item?.inserted).toBe(1);
  // A process that stood still gives back what it had claimed ahead.
  expect(item?.dead).toBeLessThanOrEqual(1.2);
  expect(lease?.inserted).toBeLessThanOrEqual(0.02);
  expect(lease?.dead).toBeLessThanOrEqual(0.03);
  expect(history?.inserted).toBeLessThanOrEqual(0.02);
  expect(history?.dead).toBe(0);
});

test("a hundred hooks that are triggered at once, each by a service call of its own, are two statements", async () => {
  const sent: string[] = [];
  const adapter = postgresAdapter(server.url, {
    listen: false,
    onStatement: ({ verb, statement, phase }) =>
      void (phase === "before" && sent.push(`${verb} ${statement}`)),
  });
  const { services, hooks } = instantiate(definition).withOptions({ databaseAdapter: adapter }).build();
  await services.trigger();
  const before = (await hooks.count()).pending;
  sent.length = 0;
  await Promise.all(Array.from({ length: 100 }, () => services.trigger()));
  expect(sent).toEqual(["enqueue insert", "enqueue insert"]);
  expect((await hooks.count()).pending - before).toBe(100);
  await adapter.close();
});
