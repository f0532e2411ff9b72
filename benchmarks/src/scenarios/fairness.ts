import type { Latency } from "../measurement/measurement.ts";
import type { Metric, Scenario } from "../scenario.ts";
import { medianMs, p99Ms } from "./latency.ts";

const floodRate: Metric = { name: "flood", key: "floodPerSecond", unit: "/s" };

/** Two namespaces of one database, each with a worker process of its own. */
export const fairness: Scenario = {
  name: "fairness",
  title: "Trigger to handler start at 50/s, beside a namespace flooded with 100,000 hooks",
  sets: ["full"],
  metric: medianMs,
  also: [p99Ms, floodRate],
  contenders() {
    const alone: Latency = { kind: "latency", perSecond: 50, seconds: 20 };
    const beside: Latency = { ...alone, flood: 100_000 };
    return [
      { name: "Sherd, beside the flood", system: "sherd", measurement: beside },
      { name: "Sherd, alone", system: "sherd", measurement: alone },
      { name: "graphile-worker, beside the flood", system: "graphileWorker", measurement: beside },
      { name: "graphile-worker, alone", system: "graphileWorker", measurement: alone },
      { name: "pg-boss, beside the flood", system: "pgBoss", measurement: beside },
      { name: "pg-boss, alone", system: "pgBoss", measurement: alone },
    ];
  },
  targets: [
    {
      what: "median beside the flood, of the median alone",
      of: "Sherd, beside the flood",
      over: "Sherd, alone",
      bound: { atMost: 2 },
    },
    {
      what: "median beside the flood, of graphile-worker's",
      of: "Sherd, beside the flood",
      over: "graphile-worker, beside the flood",
      bound: { atMost: 1 },
    },
    {
      what: "median beside the flood, of pg-boss's",
      of: "Sherd, beside the flood",
      over: "pg-boss, beside the flood",
      bound: { atMost: 1 },
    },
  ],
};
