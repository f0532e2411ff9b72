import { sqliteAdapter } from "@sherd/sqlite";
import type { System } from "../system.ts";
import { openSherd, sherdSettings } from "./sherd-driver.ts";

export const sherdSqlite: System = {
  name: "Sherd on node:sqlite",
  package: "@sherd/sqlite",
  backend: "sqlite",
  settings: sherdSettings,
  cannot: { triggerBesideWrite: "the users' table is on PostgreSQL" },
  countDivisor: 1,
  open: (options) => openSherd(() => sqliteAdapter(options.url), options),
};
