export { postgresAdapter } from "./adapter.ts";
export type { PostgresDatabase } from "./connection.ts";
export type { PostgresAdapterOptions } from "./options.ts";
