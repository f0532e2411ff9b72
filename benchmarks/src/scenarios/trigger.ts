import type { Trigger } from "../measurement/measurement.ts";
import { rate, type Scenario } from "../scenario.ts";

export const trigger: Scenario = {
  name: "trigger",
  title: "Trigger one hook in a transaction of its own, 10 at a time",
  metric: rate,
  contenders(set) {
    const count = set === "full" ? 20_000 : 5_000;
    const measurement: Trigger = { kind: "trigger", verb: "trigger", count, parallel: 10 };
    const fewer: Trigger = { ...measurement, count: count / 4 };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "one INSERT by hand", system: "byHand", measurement },
      { name: "graphile-worker", system: "graphileWorker", measurement: fewer },
      { name: "pg-boss", system: "pgBoss", measurement: fewer },
      { name: "BullMQ", system: "bullmq", measurement },
      { name: "DBOS", system: "dbos", measurement: fewer },
      { name: "Fragno", system: "fragno", measurement: fewer },
    ];
  },
  targets: [
    { what: "of one INSERT by hand", of: "Sherd", over: "one INSERT by hand", bound: { atLeast: 0.7 } },
    { what: "of graphile-worker", of: "Sherd", over: "graphile-worker", bound: { atLeast: 4 } },
    { what: "of pg-boss", of: "Sherd", over: "pg-boss", bound: { atLeast: 4 } },
  ],
};
