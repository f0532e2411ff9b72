import type { Idle } from "../measurement/measurement.ts";
import { fullOnly, type Metric, type Scenario } from "../scenario.ts";

const perSecond: Metric = { name: "statements", key: "statementsPerSecond", unit: "/s" };
const betweenPolls: Metric = {
  name: "between polls",
  key: "statementsBetweenPolls",
  unit: "",
};
const cpu: Metric = { name: "CPU", key: "cpuPercent", unit: " %" };

export const idle: Scenario = {
  name: "idle",
  title: "A worker with nothing to do, default settings",
  metric: perSecond,
  also: [betweenPolls, cpu],
  isCounted: true,
  contenders(set) {
    const measurement: Idle = { kind: "idle", seconds: set === "full" ? 30 : 12 };
    return [
      { name: "Sherd", system: "sherd", measurement: { ...measurement, pollMs: 5_000 } },
      { name: "graphile-worker", system: "graphileWorker", measurement, ...fullOnly },
      { name: "pg-boss", system: "pgBoss", measurement, ...fullOnly },
      { name: "DBOS", system: "dbos", measurement, ...fullOnly },
      { name: "Fragno", system: "fragno", measurement, ...fullOnly },
    ];
  },
  targets: [
    { what: "statements between backstop polls", of: "Sherd", metric: betweenPolls, bound: { atMost: 0 } },
    { what: "CPU, percent of a core", of: "Sherd", metric: cpu, bound: { atMost: 1 } },
  ],
};
