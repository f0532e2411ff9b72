import { type DatabaseAdapter, systemClock } from "@sherd/core";
import {
  isPostgresDatabase,
  isUnpooled,
  listenClient,
  openConnection,
  type PostgresDatabase,
} from "./connection.ts";
import { createExecutor } from "./executor.ts";
import { GroupCommit } from "./group-commit.ts";
import { createMigrator } from "./migrator.ts";
import { Nesting } from "./nesting.ts";
import { createNotifier } from "./notifier.ts";
import { checkOptions, invalidOption, isPostgresUrl, type PostgresAdapterOptions } from "./options.ts";
import { sherdHistory, sherdItem, sherdLease, sherdMigration } from "./schema.ts";
import { createPullStorage } from "./pull-storage.ts";
import { startInsert } from "./statements/insert.ts";
import { createStorage } from "./storage.ts";
import { createTransaction } from "./transaction.ts";

/**
 * Keep hooks in PostgreSQL, through the URL of a database or any drizzle database over it.
 * Connects at the first use. A database that you pass in stays yours to close.
 * Fails with `INVALID_OPTION`.
 */
export function postgresAdapter(
  connection: string | PostgresDatabase,
  options: PostgresAdapterOptions = {},
): DatabaseAdapter {
  checkOptions(options);
  if (!isPostgresUrl(connection) && !isPostgresDatabase(connection)) {
    throw invalidOption(
      "connection",
      typeof connection === "string" ? "a text" : connection,
      "postgresAdapter needs a URL such as postgres://user:password@host/database, or a drizzle database over PostgreSQL.",
    );
  }
  if (typeof connection !== "string" && isUnpooled(connection)) {
    throw invalidOption(
      "connection",
      connection,
      "postgresAdapter needs a pool: on a single client, other statements would slip into open transactions. " +
        "Make the drizzle database from a `Pool`.",
    );
  }
  const opened = openConnection(connection, {
    max: options.max ?? 10,
    prepare: options.prepare ?? true,
    applicationName: options.applicationName ?? "sherd",
  });
  const nesting = opened.isSingle ? new Nesting() : null;
  const executor = createExecutor(opened.kernel, {
    onStatement: options.onStatement,
    nesting,
    random: Math.random,
  });
  const commits = new GroupCommit(
    async (items) => (await startInsert(executor, items, opened.pool)).answer,
    systemClock,
  );
  const transaction = createTransaction({ executor, connection: opened, commits, nesting });
  const notifier = createNotifier(executor, listenerOf(connection, options.listen, opened.listener));
  return {
    dialect: "postgres",
    storage: createStorage(executor),
    pull: createPullStorage(executor),
    notifier,
    migrator: createMigrator(executor, opened.kernel, transaction),
    tables: { sherdItem, sherdLease, sherdHistory, sherdMigration },
    transaction,
    join: (drizzleTransaction) => opened.join(drizzleTransaction),
    async close() {
      commits.flush();
      await notifier.close();
      await opened.close();
    },
  };
}

function listenerOf(
  connection: string | PostgresDatabase,
  listen: boolean | string | undefined,
  own: ReturnType<typeof openConnection>["listener"],
): ReturnType<typeof openConnection>["listener"] {
  if (listen === false) return null;
  if (typeof listen === "string") return () => listenClient(listen);
  if (typeof connection === "string") return () => listenClient(connection);
  if (own === null && listen === true) {
    throw invalidOption(
      "listen",
      listen,
      "postgresAdapter can listen only with postgres.js. With this driver, give `listen` the URL of the database.",
    );
  }
  return own;
}
