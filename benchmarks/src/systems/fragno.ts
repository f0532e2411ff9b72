/**
 * Fragno: durable hooks of fragments, kept in PostgreSQL (here) or SQLite (`fragno-sqlite.ts`).
 *
 * Its newest release on npm has no dispatcher: the call that commits a trigger goes on to run every pending hook of the
 * namespace and waits for them, and ten such calls at once run each other's hooks again. So that triggers and drains can
 * be told apart, the triggers here write the rows that `triggerHook` writes through its internal fragment, which has no
 * hooks to run, and a worker is one call of the real fragment.
 */
import { defineFragment, instantiate } from "@fragno-dev/core";
import { internalFragmentDef, migrate, withDatabase } from "@fragno-dev/db";
import { KyselyAdapter } from "@fragno-dev/db/adapters/kysely";
import { PostgresDialect } from "@fragno-dev/db/dialects";
import { NodePostgresDriverConfig } from "@fragno-dev/db/drivers";
import { column, idColumn, schema } from "@fragno-dev/db/schema";
import type { OpenSystem, Payload, System, WorkOptions } from "../system.ts";
import { openPool } from "./pg-transaction.ts";

const namespace = "bench";
const hookName = "deliver";

const orders = schema((tables) =>
  tables.addTable("order", (table) =>
    table
      .addColumn("id", idColumn())
      .addColumn("amount", column("integer"))
      .addColumn("note", column("string")),
  ),
);

export const fragnoSettings: System["settings"] = {
  tuned: "no options; a pass over all that is pending, without a limit of concurrency",
  defaults: "the same",
};

const claimsNothing = "0.2 claims nothing: two workers run the same hooks";

export const fragnoCannot: System["cannot"] = {
  manyWorkers: claimsNothing,
  otherProcess: claimsNothing,
  waiting: "0.2 has no dispatcher: the call that commits a trigger runs it",
  dueLater: "0.2 has no due times",
};

export const fragno: System = {
  name: "Fragno",
  package: "@fragno-dev/db",
  backend: "postgres",
  settings: fragnoSettings,
  cannot: fragnoCannot,
  countDivisor: 20,
  async open({ url, install, parallel }) {
    const pool = openPool(url, parallel);
    const databaseAdapter = new KyselyAdapter({
      dialect: new PostgresDialect({ pool }),
      driverConfig: new NodePostgresDriverConfig(),
    });
    return openFragno(databaseAdapter, {
      install,
      async hasPending() {
        const { rows } = await pool.query<{ pending: boolean }>(
          "select exists (select from fragno_hooks where namespace = $1 and status = 'pending') as pending",
          [namespace],
        );
        return rows[0]!.pending;
      },
    });
  },
};

interface FragnoOptions {
  readonly install: boolean;
  hasPending(): Promise<boolean>;
}

export async function openFragno(
  databaseAdapter: KyselyAdapter,
  { install, hasPending }: FragnoOptions,
): Promise<OpenSystem> {
  let handler: WorkOptions["handler"] = () => undefined;
  const definition = defineFragment(namespace)
    .extend(withDatabase(orders))
    .provideHooks(({ defineHook }) => ({
      [hookName]: defineHook((payload: Payload) => handler(payload)),
    }))
    .build();
  const options = { databaseAdapter };
  const fragment = instantiate(definition).withConfig({}).withOptions(options).build();
  const internal = instantiate(internalFragmentDef).withConfig({}).withOptions(options).build();
  if (install) await migrate(fragment);
  const internalSchema = internal.$internal.deps.schema;

  const commit = (payloads: readonly Payload[], order?: { amount: number; note: string }) =>
    internal.inContext(async function () {
      await this.handlerTx()
        .mutate(({ forSchema, idempotencyKey }) => {
          if (order) forSchema(orders).create("order", order);
          const hooks = forSchema(internalSchema);
          for (const payload of payloads) hooks.create("fragno_hooks", row(payload, idempotencyKey));
        })
        .execute();
    });

  return {
    trigger: (payload) => commit([payload]),
    triggerBesideWrite: (order, payload) => commit([payload], order),
    write: (order) => commit([], order),
    triggerTogether: (payloads) => commit(payloads),
    async work(work) {
      handler = work.handler;
      const pass = fragment.inContext(async function () {
        await this.handlerTx().execute();
      });
      return () => pass;
    },
    unfinished: async () => Number(await hasPending()),
    close: () => databaseAdapter.close(),
  };
}

function row(payload: Payload, idempotencyKey: string) {
  return {
    namespace,
    hookName,
    payload,
    status: "pending",
    attempts: 0,
    maxAttempts: 5,
    lastAttemptAt: null,
    nextRetryAt: null,
    error: null,
    nonce: idempotencyKey,
  };
}
