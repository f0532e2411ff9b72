import type { Drain } from "../measurement/measurement.ts";
import { rate, type Scenario } from "../scenario.ts";

export const growth: Scenario = {
  name: "growth",
  title: "Drain beside 1,000,000 completed and 1,000,000 future hooks",
  sets: ["full"],
  metric: rate,
  contenders() {
    const empty: Drain = { kind: "drain", mode: "tuned", count: 20_000 };
    const beside: Drain = { ...empty, beside: { completed: 1_000_000, future: 1_000_000 } };
    return [
      { name: "Sherd, full tables", system: "sherd", measurement: beside },
      { name: "Sherd, empty tables", system: "sherd", measurement: empty },
      { name: "classic by hand, full tables", system: "classic", measurement: beside },
      { name: "classic by hand, empty tables", system: "classic", measurement: empty },
      { name: "graphile-worker, full tables", system: "graphileWorker", measurement: beside },
      { name: "graphile-worker, empty tables", system: "graphileWorker", measurement: empty },
    ];
  },
  targets: [
    {
      what: "of its rate on empty tables",
      of: "Sherd, full tables",
      over: "Sherd, empty tables",
      bound: { atLeast: 0.9 },
    },
  ],
};
