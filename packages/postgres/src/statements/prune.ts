import type { Outcome } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { onlyRow } from "../literal.ts";

/**
 * Locks: the rows, SKIP LOCKED, so that a retry of one of them is not waited for. Index: sherd_item_done, of what is
 * old enough alone: clock_timestamp() is volatile, so that every failed item would be read and compared with it.
 */
const pruneFailed = `with old as (
  select id from sherd_item
  where queue = $1::text and state = 'done' and at < statement_timestamp() - $2::float8 * interval '1 millisecond'
  order by at limit $3::integer for update skip locked
), gone as (delete from sherd_item i using old where i.id = old.id returning i.id)
select count(*)::integer as pruned from gone`;

/**
 * Whole batches, until the limit is reached. Locks: the batches; what another pruner has deleted meanwhile is not counted.
 * Index: sherd_history_finished, likewise.
 */
const pruneHistory = `with old as (
  select seq, cardinality(ids) as items from sherd_history
  where queue = $1::text and outcome = $4::text and finished_at < statement_timestamp() - $2::float8 * interval '1 millisecond'
  order by finished_at, seq limit $3::integer
), chosen as (
  select seq from (select seq, sum(items) over (order by seq) - items as before from old) o where before < $5::integer
), gone as (delete from sherd_history h using chosen c where h.seq = c.seq returning cardinality(h.ids) as items)
select coalesce(sum(items), 0)::integer as pruned from gone`;

export async function prune(
  executor: Executor,
  queue: string,
  which: { readonly outcome: Outcome; readonly olderThanMs: number; readonly limit: number },
): Promise<number> {
  const parameters = [queue, which.olderThanMs, which.limit];
  const rows = await executor.own("prune", () =>
    which.outcome === "failed"
      ? executor.send("prune", "failed", pruneFailed, parameters)
      : executor.send("prune", "history", pruneHistory, [...parameters, which.outcome, which.limit]),
  );
  return Number(onlyRow(rows)["pruned"]);
}
