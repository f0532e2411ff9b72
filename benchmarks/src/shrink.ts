import type { Measurement } from "./measurement/measurement.ts";

/** The same measurement with counts and durations divided. */
export function shrink(measurement: Measurement, by: number): Measurement {
  const less = (count: number) => Math.max(1, Math.ceil(count / by));
  switch (measurement.kind) {
    case "drain": {
      const { beside, count } = measurement;
      if (beside === undefined) return { ...measurement, count: less(count) };
      const fewer = { completed: less(beside.completed), future: less(beside.future) };
      return { ...measurement, count: less(count), beside: fewer };
    }
    case "trigger":
      return { ...measurement, count: less(measurement.count) };
    case "together":
      return { ...measurement, times: less(measurement.times) };
    case "latency": {
      const { flood, seconds } = measurement;
      const fewer = flood === undefined ? {} : { flood: less(flood) };
      return { ...measurement, seconds: less(seconds), ...fewer };
    }
    case "idle":
      return { ...measurement, seconds: less(measurement.seconds) };
    case "subjects":
      return { ...measurement, subjects: less(measurement.subjects), turns: less(measurement.turns) };
    case "age":
      return { ...measurement, completed: less(measurement.completed), future: less(measurement.future) };
  }
}
