/** Fragno's durable hooks in SQLite, through its driver for better-sqlite3 over Node's own SQLite, which compiles nothing. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { KyselyAdapter } from "@fragno-dev/db/adapters/kysely";
import { SqliteDialect } from "@fragno-dev/db/dialects";
import { BetterSQLite3DriverConfig } from "@fragno-dev/db/drivers";
import type { System } from "../system.ts";
import { fragnoCannot, fragnoSettings, openFragno } from "./fragno.ts";

export const fragnoSqlite: System = {
  name: "Fragno on node:sqlite",
  package: "@fragno-dev/db",
  backend: "sqlite",
  settings: fragnoSettings,
  cannot: { ...fragnoCannot },
  countDivisor: 10,
  async open({ url, install }) {
    const database = new DatabaseSync(url);
    database.exec("pragma journal_mode = wal; pragma synchronous = normal");
    const pending = () =>
      database
        .prepare(
          "select exists (select 1 from fragno_hooks where namespace = 'bench' and status = 'pending') as found",
        )
        .get();
    const databaseAdapter = new KyselyAdapter({
      dialect: new SqliteDialect({ database: likeBetterSqlite3(database) }),
      driverConfig: new BetterSQLite3DriverConfig(),
    });
    return openFragno(databaseAdapter, { install, hasPending: async () => pending()?.["found"] === 1 });
  },
};

/** What Kysely calls of better-sqlite3. It prepares a statement for each query, which Node's SQLite need not do again. */
function likeBetterSqlite3(database: DatabaseSync) {
  const prepared = new Map<string, ReturnType<typeof prepare>>();
  const prepare = (sql: string) => {
    const statement = database.prepare(sql);
    return {
      reader: statement.columns().length > 0,
      all: (values: readonly unknown[]) => statement.all(...(values as SQLInputValue[])),
      run: (values: readonly unknown[]) => statement.run(...(values as SQLInputValue[])),
      iterate: (values: readonly unknown[]) => statement.iterate(...(values as SQLInputValue[])),
    };
  };
  return {
    close: () => database.close(),
    prepare(sql: string) {
      const statement = prepared.get(sql) ?? prepare(sql);
      prepared.set(sql, statement);
      return statement;
    },
  };
}
