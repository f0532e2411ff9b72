/** The process of one measurement: told by its parent what to measure and where, it answers with a sample, and ends. */
import type { System } from "../system.ts";
import { type SystemName, systemNamed } from "../systems.ts";
import { age } from "./age.ts";
import { drain } from "./drain.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import type { Measurement, Sample } from "./measurement.ts";
import type { Place } from "./place.ts";
import { subjects } from "./subjects.ts";
import { together, trigger } from "./trigger.ts";

export interface MeasurementOrder {
  readonly system: SystemName;
  readonly place: Place;
  readonly measurement: Measurement;
}

process.once("message", async ({ system: name, place, measurement }: MeasurementOrder) => {
  const sample = await measure(name, await systemNamed(name), place, measurement);
  process.send?.(sample, () => process.exit());
});
process.on("disconnect", () => process.exit());

function measure(name: SystemName, system: System, place: Place, measurement: Measurement): Promise<Sample> {
  switch (measurement.kind) {
    case "drain":
      return drain(name, system, place, measurement);
    case "trigger":
      return trigger(system, place, measurement);
    case "together":
      return together(system, place, measurement);
    case "latency":
      return latency(name, system, place, measurement);
    case "idle":
      return idle(name, system, place, measurement);
    case "subjects":
      return subjects(system, place, measurement);
    case "age":
      return age(system, place, measurement);
  }
}
