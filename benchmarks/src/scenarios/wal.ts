import type { Drain } from "../measurement/measurement.ts";
import { fullOnly, type Metric, type Scenario } from "../scenario.ts";

const walBytes: Metric = { name: "WAL", key: "walBytesPerHook", unit: " B" };

const transactions: Metric = {
  name: "transactions",
  key: "transactionsPerHook",
  unit: "",
};
const deadTuples: Metric = { name: "dead tuples", key: "deadTuplesPerHook", unit: "" };

export const wal: Scenario = {
  name: "wal",
  title: "WAL a hook, its trigger included, payload empty",
  metric: walBytes,
  also: [transactions, deadTuples],
  isCounted: true,
  contenders(set) {
    const count = set === "full" ? 50_000 : 20_000;
    const measurement: Drain = { kind: "drain", mode: "tuned", count, isCounted: true };
    return [
      { name: "Sherd", system: "sherd", measurement },
      { name: "batch leases by hand, 100", system: "batchLeases100", measurement },
      { name: "row leases by hand", system: "rowLeases", measurement, ...fullOnly },
      { name: "classic by hand", system: "classic", measurement, ...fullOnly },
      { name: "graphile-worker", system: "graphileWorker", measurement },
      { name: "pg-boss", system: "pgBoss", measurement, ...fullOnly },
    ];
  },
  targets: [{ what: "bytes a hook", of: "Sherd", bound: { atMost: 700 } }],
};
