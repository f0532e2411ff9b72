import type { Drain } from "../measurement/measurement.ts";
import { type Contender, rate, type Scenario } from "../scenario.ts";

const systems = [
  ["Sherd", "sherd"],
  ["batch leases by hand", "batchLeases500"],
  ["graphile-worker", "graphileWorker"],
] as const;

/** No target: how the rate grows with processes depends on the machine's cores. */
export const scale: Scenario = {
  name: "scale",
  title: "Drain no-op hooks with 1, 2, 4 and 8 worker processes",
  sets: ["full"],
  metric: rate,
  contenders() {
    return [1, 2, 4, 8].flatMap((processes) =>
      systems.map(([name, system]): Contender => {
        const measurement: Drain = { kind: "drain", mode: "tuned", count: 50_000, processes };
        return { name: `${name}, ${processes}`, system, measurement };
      }),
    );
  },
  targets: [],
};
