import type { Sample } from "../measurement/measurement.ts";
import type { Metric } from "../scenario.ts";

/** As many digits as say something: 48,211 · 2.31 · 0.021. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function metricText(value: number | undefined, { unit }: Metric): string {
  return value === undefined ? "–" : `${numberText(value)}${unit}`;
}

export function sampleText(sample: Sample): string {
  return Object.entries(sample)
    .filter(([key, value]) => key !== "repeated" || value > 0)
    .map(([key, value]) => `${key} ${numberText(value)}`)
    .join(", ");
}
