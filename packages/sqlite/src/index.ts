export { sqliteAdapter } from "./sqlite-adapter.ts";
export type { LibsqlDatabase, SqliteAdapterOptions } from "./sqlite-adapter.ts";
export type { SqliteClock } from "./clock.ts";
