import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import type { System } from "../system.ts";
import { fill, need } from "./fill.ts";
import type { Age, Sample } from "./measurement.ts";
import type { Place } from "./place.ts";
import { LocalWorkforce } from "./workforce.ts";

const monthMs = 30 * 86_400_000;

/** Leaves a database with so many completed hooks and so many that are due in a month, vacuumed as autovacuum would have. */
export async function age(system: System, { url }: Place, { completed, future }: Age): Promise<Sample> {
  const opened = await system.open({ url, mode: "tuned", install: true, parallel: 10 });
  await fill(system, opened, { count: completed, isNumbered: false });
  const workforce = new LocalWorkforce(system, opened, {});
  await workforce.begin(completed);
  await workforce.allEnded();
  const unfinished = need(opened.unfinished, system, "unfinished").bind(opened);
  while ((await unfinished()) > 0) await sleep(20);
  await workforce.end();
  await fill(system, opened, { count: future, isNumbered: false, dueInMs: monthMs });
  await workforce.close();
  const sql = postgres(url, { max: 1 });
  await sql`vacuum (analyze)`;
  await sql.end();
  return {};
}
