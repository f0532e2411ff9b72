import type { Drain } from "../measurement/measurement.ts";
import { fullOnly, rate, type Scenario } from "../scenario.ts";

export const drain: Scenario = {
  name: "drain",
  title: "Drain no-op hooks, one worker, all guarantees on",
  metric: rate,
  contenders(set) {
    const measurement: Drain = { kind: "drain", mode: "tuned", count: set === "full" ? 50_000 : 20_000 };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "batch leases by hand, 500", system: "batchLeases500", measurement },
      { name: "batch leases by hand, 100", system: "batchLeases100", measurement },
      { name: "row leases by hand", system: "rowLeases", measurement, ...fullOnly },
      { name: "classic by hand", system: "classic", measurement },
      { name: "graphile-worker", system: "graphileWorker", measurement },
      { name: "pg-boss", system: "pgBoss", measurement },
      { name: "BullMQ", system: "bullmq", measurement },
      { name: "BullMQ on PostgreSQL", system: "bullmqPostgres", measurement, ...fullOnly },
      { name: "DBOS", system: "dbos", measurement },
      { name: "Fragno", system: "fragno", measurement },
    ];
  },
  targets: [
    {
      what: "of batch leases by hand, 100 at a time",
      of: "Sherd",
      over: "batch leases by hand, 100",
      bound: { atLeast: 0.7 },
    },
    {
      what: "of batch leases by hand, 500 at a time",
      of: "Sherd",
      over: "batch leases by hand, 500",
      bound: { atLeast: 0.7 },
    },
    { what: "of the classic floor", of: "Sherd", over: "classic by hand", bound: { atLeast: 1.5 } },
    { what: "of graphile-worker, batched", of: "Sherd", over: "graphile-worker", bound: { atLeast: 2.5 } },
    { what: "of pg-boss, tuned", of: "Sherd", over: "pg-boss", bound: { atLeast: 2.8 } },
    { what: "of Fragno", of: "Sherd", over: "Fragno", bound: { atLeast: 50 } },
  ],
};
