import type { Drain } from "../measurement/measurement.ts";
import { rate, type Scenario } from "../scenario.ts";

export const sqlite: Scenario = {
  name: "sqlite",
  title: "Drain no-op hooks on node:sqlite (WAL, NORMAL)",
  metric: rate,
  contenders(set) {
    const measurement: Drain = { kind: "drain", mode: "tuned", count: set === "full" ? 50_000 : 20_000 };
    return [
      { name: "Sherd", system: "sherdSqlite", measurement },
      { name: "node:sqlite by hand", system: "nodeSqlite", measurement },
      { name: "Fragno", system: "fragnoSqlite", measurement },
    ];
  },
  targets: [
    {
      what: "of node:sqlite by hand, batch 100",
      of: "Sherd",
      over: "node:sqlite by hand",
      bound: { atLeast: 0.3 },
    },
    { what: "of Fragno on SQLite", of: "Sherd", over: "Fragno", bound: { atLeast: 10 } },
  ],
};
