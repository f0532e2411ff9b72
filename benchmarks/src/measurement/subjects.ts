import type { System } from "../system.ts";
import { need } from "./fill.ts";
import type { Sample, Subjects } from "./measurement.ts";
import { monotonicMs } from "./monotonic.ts";
import type { Place } from "./place.ts";

/** One turn after the other, as a caller without concurrency makes them. */
export async function subjects(
  system: System,
  { url }: Place,
  { subjects: count, batch, turns }: Subjects,
): Promise<Sample> {
  const opened = await system.open({ url, mode: "tuned", install: true, parallel: 1 });
  const { turn } = await need(opened.subjects, system, "subjects").call(opened, count);
  const run = async (times: number) => {
    let completed = 0;
    for (let time = 0; time < times; time++) completed += await turn(batch);
    return completed;
  };
  await run(Math.ceil(turns / 5));
  const startedAt = monotonicMs();
  const completed = await run(turns);
  const perSecond = (completed / (monotonicMs() - startedAt)) * 1_000;
  await opened.close();
  return { perSecond };
}
