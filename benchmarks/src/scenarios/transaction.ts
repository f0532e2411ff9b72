import type { Trigger } from "../measurement/measurement.ts";
import { fullOnly, rate, type Scenario } from "../scenario.ts";

export const transaction: Scenario = {
  name: "transaction",
  title: "A user's transaction of one insert and one trigger, 10 at a time",
  metric: rate,
  contenders(set) {
    const count = set === "full" ? 20_000 : 5_000;
    const beside: Trigger = { kind: "trigger", verb: "triggerBesideWrite", count, parallel: 10 };
    const alone: Trigger = { ...beside, verb: "write" };
    const fewer: Trigger = { ...beside, count: count / 4 };
    return [
      { name: "Sherd", system: "sherd", measurement: beside },
      { name: "Sherd, the insert alone", system: "sherd", measurement: alone },
      { name: "by hand", system: "byHand", measurement: beside },
      { name: "by hand, the insert alone", system: "byHand", measurement: alone },
      { name: "graphile-worker", system: "graphileWorker", measurement: fewer, ...fullOnly },
      { name: "pg-boss", system: "pgBoss", measurement: fewer, ...fullOnly },
      { name: "DBOS", system: "dbos", measurement: fewer, ...fullOnly },
      { name: "Fragno", system: "fragno", measurement: fewer, ...fullOnly },
    ];
  },
  targets: [
    {
      what: "of the same transaction without the trigger",
      of: "Sherd",
      over: "Sherd, the insert alone",
      bound: { atLeast: 0.8 },
    },
  ],
};
