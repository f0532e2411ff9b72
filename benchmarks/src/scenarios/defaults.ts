import type { Drain } from "../measurement/measurement.ts";
import { fullOnly, rate, type Scenario } from "../scenario.ts";

export const defaults: Scenario = {
  name: "defaults",
  title: "Drain no-op hooks with nothing tuned",
  metric: rate,
  contenders(set) {
    const drainOf = (count: number): Drain => ({ kind: "drain", mode: "defaults", count });
    const [many, some] = set === "full" ? [50_000, 20_000] : [20_000, 5_000];
    return [
      { name: "Sherd", system: "sherd", measurement: drainOf(many) },
      { name: "graphile-worker", system: "graphileWorker", measurement: drainOf(some) },
      // One job every two seconds.
      { name: "pg-boss", system: "pgBoss", measurement: drainOf(10), ...fullOnly },
      { name: "BullMQ", system: "bullmq", measurement: drainOf(some) },
    ];
  },
  targets: [
    { what: "of graphile-worker's defaults", of: "Sherd", over: "graphile-worker", bound: { atLeast: 15 } },
  ],
};
