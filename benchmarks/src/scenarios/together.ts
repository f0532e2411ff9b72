import type { Together } from "../measurement/measurement.ts";
import { fullOnly, rate, type Scenario } from "../scenario.ts";

export const together: Scenario = {
  name: "together",
  title: "Trigger 1,000 hooks in one transaction",
  metric: rate,
  contenders(set) {
    const measurement: Together = { kind: "together", size: 1_000, times: set === "full" ? 100 : 30 };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "one unnest INSERT by hand", system: "byHand", measurement },
      { name: "graphile-worker", system: "graphileWorker", measurement },
      { name: "pg-boss", system: "pgBoss", measurement },
      { name: "BullMQ", system: "bullmq", measurement, ...fullOnly },
      { name: "DBOS", system: "dbos", measurement, ...fullOnly },
      { name: "Fragno", system: "fragno", measurement, ...fullOnly },
    ];
  },
  targets: [
    {
      what: "of one unnest INSERT by hand",
      of: "Sherd",
      over: "one unnest INSERT by hand",
      bound: { atLeast: 0.5 },
    },
  ],
};
