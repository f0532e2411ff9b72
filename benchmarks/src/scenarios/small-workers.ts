import type { Drain } from "../measurement/measurement.ts";
import { fullOnly, rate, type Scenario } from "../scenario.ts";

export const smallWorkers: Scenario = {
  name: "small-workers",
  title: "30 workers of 10 slots, handlers of 5–50 ms",
  metric: rate,
  contenders(set) {
    const fleet = { workers: 30, slots: 10 };
    const count = set === "full" ? 40_000 : 8_000;
    const measurement: Drain = { kind: "drain", mode: "tuned", count, fleet, sleepMs: [5, 50] };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "row leases by hand", system: "rowLeases", measurement },
      { name: "batch leases by hand", system: "batchLeases100", measurement, ...fullOnly },
      { name: "graphile-worker", system: "graphileWorker", measurement, ...fullOnly },
    ];
  },
  targets: [
    { what: "of row leases by hand", of: "Sherd", over: "row leases by hand", bound: { atLeast: 0.9 } },
  ],
};
