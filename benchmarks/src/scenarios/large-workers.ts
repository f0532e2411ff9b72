import type { Drain } from "../measurement/measurement.ts";
import { fullOnly, rate, type Scenario } from "../scenario.ts";

export const largeWorkers: Scenario = {
  name: "large-workers",
  title: "8 workers of 1,000 slots, handlers of 0.2–1 s",
  metric: rate,
  contenders(set) {
    const fleet = { workers: 8, slots: 1_000 };
    const count = set === "full" ? 60_000 : 20_000;
    const measurement: Drain = { kind: "drain", mode: "tuned", count, fleet, sleepMs: [200, 1_000] };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "row leases by hand", system: "rowLeases", measurement },
      { name: "batch leases by hand", system: "batchLeases500", measurement, ...fullOnly },
      { name: "graphile-worker", system: "graphileWorker", measurement, ...fullOnly },
    ];
  },
  targets: [
    { what: "of row leases by hand", of: "Sherd", over: "row leases by hand", bound: { atLeast: 0.9 } },
  ],
};
