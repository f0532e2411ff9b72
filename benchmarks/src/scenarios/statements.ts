import type { Drain } from "../measurement/measurement.ts";
import { fullOnly, type Metric, type Scenario } from "../scenario.ts";

const statementsPerHook: Metric = {
  name: "statements",
  key: "statementsPerHook",
  unit: "",
};

export const statements: Scenario = {
  name: "statements",
  title: "Statements a drained hook, 100 at a time",
  metric: statementsPerHook,
  isCounted: true,
  contenders(set) {
    const count = set === "full" ? 50_000 : 20_000;
    const fleet = { workers: 1, slots: 100 };
    const measurement: Drain = { kind: "drain", mode: "tuned", count, fleet, isCounted: true };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "batch leases by hand, 100", system: "batchLeases100", measurement },
      { name: "classic by hand", system: "classic", measurement, ...fullOnly },
      { name: "graphile-worker", system: "graphileWorker", measurement, ...fullOnly },
      { name: "pg-boss", system: "pgBoss", measurement, ...fullOnly },
    ];
  },
  targets: [{ what: "statements a hook", of: "Sherd", bound: { atMost: 0.03 } }],
};
