import { Counters } from "./counters.ts";
import type { DrainWork } from "./drain.ts";
import { fill, need } from "./fill.ts";
import type { Sample } from "./measurement.ts";
import type { Place } from "./place.ts";

/**
 * What the database was asked and what it wrote for each hook. Statements are those of the drain alone; transactions, WAL
 * and dead tuples those of trigger and drain. Nobody asks whether the hooks have ended before the workers have stopped.
 */
export async function countedDrain(work: DrainWork, place: Place): Promise<Sample> {
  const { system, opened, workforce, count, isNumbered } = work;
  const counters = new Counters(place);
  const [walBefore, totalsBefore] = [await counters.walBytes(), await counters.totals()];
  await fill(system, opened, { count, isNumbered });
  const statementsBefore = await counters.statements();
  await workforce.begin(count);
  await workforce.allEnded();
  await workforce.end();
  const statements = (await counters.statements()) - statementsBefore;
  const walBytes = (await counters.walBytes()) - walBefore;
  const left = await need(opened.unfinished, system, "unfinished").call(opened);
  if (left > 0) throw new Error(`${system.name} stopped with ${left} hooks that have not ended.`);
  await workforce.close();
  const totals = await counters.totals();
  await counters.close();
  return {
    statementsPerHook: statements / count,
    walBytesPerHook: walBytes / count,
    transactionsPerHook: (totals.transactions - totalsBefore.transactions) / count,
    deadTuplesPerHook: (totals.deadTuples - totalsBefore.deadTuples) / count,
  };
}
