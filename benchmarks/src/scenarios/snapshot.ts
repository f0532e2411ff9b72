import type { Drain } from "../measurement/measurement.ts";
import { rate, type Scenario } from "../scenario.ts";

/** More hooks than in `growth`, whose tables these are: dead rows hurt once there are many that nobody may remove. */
export const snapshot: Scenario = {
  name: "snapshot",
  title: "The same with another session's snapshot held open",
  sets: ["full"],
  metric: rate,
  contenders() {
    const beside = { completed: 1_000_000, future: 1_000_000 };
    const without: Drain = { kind: "drain", mode: "tuned", count: 50_000, beside };
    const held: Drain = { ...without, holdsSnapshot: true };
    return [
      { name: "Sherd, snapshot held", system: "sherd", measurement: held },
      { name: "Sherd, none held", system: "sherd", measurement: without },
      { name: "classic by hand, snapshot held", system: "classic", measurement: held },
      { name: "classic by hand, none held", system: "classic", measurement: without },
      { name: "graphile-worker, snapshot held", system: "graphileWorker", measurement: held },
      { name: "graphile-worker, none held", system: "graphileWorker", measurement: without },
    ];
  },
  targets: [
    {
      what: "of its rate without",
      of: "Sherd, snapshot held",
      over: "Sherd, none held",
      bound: { atLeast: 0.6 },
    },
    {
      what: "of graphile-worker under the same",
      of: "Sherd, snapshot held",
      over: "graphile-worker, snapshot held",
      bound: { atLeast: 2 },
    },
  ],
};
