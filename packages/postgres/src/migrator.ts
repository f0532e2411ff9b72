import {
  checksum,
  planMigrations,
  SherdError,
  type DatabaseAdapter,
  type LedgerRow,
  type Migration,
  type MigrationScope,
  type Migrator,
  type ScopeReport,
} from "@sherd/core";
import type { Executor } from "./executor.ts";
import { onlyRow } from "./literal.ts";
import { migrations } from "./migrations/index.ts";
import type { Session } from "./sessions/session.ts";
import { sessionOf } from "./statements/session-of.ts";

const verb = "migrate";

const present = `select to_regclass('sherd_migration') is not null as ledger, to_regclass('sherd_item') is not null as items,
  array_to_string(array(
    select n.name from json_array_elements_text($1::text::json) as n(name)
    where not exists (select from pg_proc p where p.proname = n.name and pg_function_is_visible(p.oid))
  ), ',') as missing`;

const createLedger = `create table sherd_migration (
  scope text not null, tag text not null, checksum text not null, compatible boolean not null,
  applied_at timestamp with time zone not null default now(),
  constraint sherd_migration_pkey primary key (scope, tag)
)`;

export function createMigrator(
  executor: Executor,
  session: Session,
  transaction: DatabaseAdapter["transaction"],
): Migrator {
  const kernel: MigrationScope = { scope: "kernel", migrations };
  return {
    kernel,
    apply: (scopes) =>
      executor.own(verb, () => transaction((tx) => applyAll(executor, sessionOf(tx), scopes))),
    verify: (scopes) => executor.own(verb, () => verifyAll(executor, session, scopes)),
  };
}

/** Locks: one advisory lock against other migrators, until the commit. With nothing pending, no lock on any table. */
async function applyAll(
  executor: Executor,
  session: Session,
  scopes: readonly MigrationScope[],
): Promise<readonly ScopeReport[]> {
  await executor.send(verb, "lock", "select pg_advisory_xact_lock(1936221555, 0)", [], session);
  const [found] = await executor.send(verb, "look", present, ["[]"], session);
  if (found?.["ledger"] !== true) await executor.send(verb, "create-ledger", createLedger, [], session);
  const ledger = await readLedger(executor, session);
  const reports: ScopeReport[] = [];
  for (const scope of scopes) {
    const { pending, report } = planMigrations(scope, ledger);
    for (const migration of pending) await applyOne(executor, session, scope.scope, migration);
    reports.push(report);
  }
  return reports;
}

async function applyOne(
  executor: Executor,
  session: Session,
  scope: string,
  migration: Migration,
): Promise<void> {
  for (const statement of migration.postgres)
    await executor.send(verb, migration.tag, statement, [], session);
  await executor.send(
    verb,
    "record",
    `insert into sherd_migration (scope, tag, checksum, compatible) values ($1::text, $2::text, $3::text, $4::boolean)`,
    [scope, migration.tag, checksum(migration), migration.compatible],
    session,
  );
}

async function verifyAll(
  executor: Executor,
  session: Session,
  scopes: readonly MigrationScope[],
): Promise<void> {
  const names = JSON.stringify(kernelFunctions());
  const found = onlyRow(await executor.send(verb, "look", present, [names], session));
  const ledger = found["ledger"] === true ? await readLedger(executor, session) : [];
  if (ledger.length === 0 && found["items"] === true) {
    const missing = String(found["missing"]).split(",").filter(Boolean);
    if (missing.length === 0) return;
    throw notMigrated("kernel", missing, "The kernel's tables are there, and its functions are not");
  }
  for (const scope of scopes) {
    const missing = planMigrations(scope, ledger).pending.map(({ tag }) => tag);
    if (missing.length > 0) throw notMigrated(scope.scope, missing, "The database lacks migrations");
  }
}

async function readLedger(executor: Executor, session: Session): Promise<readonly LedgerRow[]> {
  const text = "select scope, tag, checksum, compatible from sherd_migration order by scope, tag";
  return (await executor.send(verb, "read-ledger", text, [], session)) as unknown as readonly LedgerRow[];
}

/** The functions that the kernel's verbs call. A drizzle-kit schema of the user's own makes tables, not these. */
function kernelFunctions(): readonly string[] {
  const statements = migrations.flatMap(({ postgres }) => postgres);
  return statements.flatMap(
    (statement) => /create (?:function|procedure) (sherd_\w+)/.exec(statement)?.[1] ?? [],
  );
}

function notMigrated(scope: string, missing: readonly string[], what: string): SherdError {
  return new SherdError(
    "NOT_MIGRATED",
    `${what}: ${missing.join(", ")} of "${scope}". Run \`await migrate(fragment)\` once, before any other call, or ` +
      "`await migrate(databaseAdapter)` where there is no fragment; where migrations are your own, put " +
      "`statementsBesideTables` of @sherd/postgres into one of them.",
    { scope, missing },
  );
}
