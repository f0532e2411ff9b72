export { postgresAdapter } from "./adapter.ts";
export type { PostgresDatabase } from "./connection.ts";
export type { PostgresAdapterOptions } from "./options.ts";
export { statementsBesideTables } from "./statements-beside-tables.ts";
