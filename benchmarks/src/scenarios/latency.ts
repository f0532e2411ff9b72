import type { Latency } from "../measurement/measurement.ts";
import { fullOnly, type Metric, type Scenario } from "../scenario.ts";

export const medianMs: Metric = { name: "median", key: "medianMs", unit: " ms" };
export const p99Ms: Metric = { name: "p99", key: "p99Ms", unit: " ms" };

export const latency: Scenario = {
  name: "latency",
  title: "Trigger to handler start at 50/s, another process",
  metric: medianMs,
  also: [p99Ms],
  contenders(set) {
    const measurement: Latency = { kind: "latency", perSecond: 50, seconds: set === "full" ? 20 : 3 };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "LISTEN/NOTIFY by hand", system: "byHand", measurement },
      { name: "graphile-worker", system: "graphileWorker", measurement },
      { name: "pg-boss", system: "pgBoss", measurement },
      { name: "BullMQ", system: "bullmq", measurement, ...fullOnly },
      { name: "DBOS", system: "dbos", measurement, ...fullOnly },
      { name: "Fragno", system: "fragno", measurement, ...fullOnly },
    ];
  },
  targets: [
    {
      what: "median, of LISTEN/NOTIFY by hand",
      of: "Sherd",
      over: "LISTEN/NOTIFY by hand",
      bound: { atMost: 1.5 },
    },
    { what: "median, of graphile-worker", of: "Sherd", over: "graphile-worker", bound: { atMost: 1 } },
    { what: "median, of pg-boss", of: "Sherd", over: "pg-boss", bound: { atMost: 1 } },
    { what: "median, of DBOS", of: "Sherd", over: "DBOS", bound: { atMost: 1 } },
    { what: "median, of Fragno", of: "Sherd", over: "Fragno", bound: { atMost: 1 } },
    { what: "p99", of: "Sherd", metric: p99Ms, bound: { atMost: 10 } },
  ],
};
