// Inlined from 0003_settle.sql; `vitest -u` writes it anew.
export const settle: readonly string[] = [
  `-- Ends attempts; answers those that were not plainly settled. p_held are the leases of all, each once. p_ids are
-- completions of items that were never replaced, each of an item that occurs once, between p_first and p_last: the first
-- p_counts[1] of them under p_leases[1], and so on; p_rows the other outcomes, no two of one item under one lease. Locks, by id: the leases FOR NO KEY UPDATE, which keeps settles of
-- one lease apart and the sweep out while a transaction that only holds it goes on; then the items. READ COMMITTED: the
-- lists are read after the leases are locked, and the items after the items are. Index: the primary keys. Plans are made
-- once a connection.
-- p_mode: 'own', the transaction is this call's, so a row that is locked elsewhere costs 200 ms and SQLSTATE 55P03;
-- 'skip', the same without waiting, what is locked elsewhere is answered 'skipped';
-- 'joined', the transaction is the caller's and waits: items first, so that it waits without having the lease.
create function sherd_settle_v1(
  p_queue text, p_held uuid[], p_leases uuid[], p_counts integer[], p_ids uuid[], p_first uuid, p_last uuid, p_rows json, p_mode text
) returns table (lease uuid, item uuid, result text) language plpgsql volatile
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamp with time zone;
  v_skipped uuid[] := '{}';
  v_fenced uuid[] := '{}';
  v_from integer := 1;
  v_completed uuid[];
begin
  if p_mode = 'skip' then
    v_skipped := sherd_lock_settled_v1(p_held, p_leases, p_counts, p_ids, p_rows);
  else
    if p_mode = 'own' then perform set_config('lock_timeout', '200ms', true); end if;
    if p_mode = 'joined' then
      perform 1 from sherd_item where id = any(p_ids || array(select r.id from json_to_recordset(p_rows) as r(id uuid)))
        order by id for update;
    end if;
    perform 1 from sherd_lease where id = any(p_held) order by id for no key update;
  end if;
  v_now := clock_timestamp();

  if p_ids <> '{}' then
    for v_group in 1..cardinality(p_leases) loop
      v_fenced := v_fenced || array(
        select o.id from unnest(p_ids[v_from : v_from + p_counts[v_group] - 1]) as o(id)
        where o.id in (select h.id from sherd_lease l cross join unnest(l.items) as h(id) where l.id = p_leases[v_group])
          and o.id not in (select s.id from unnest(v_skipped) as s(id))
      );
      v_from := v_from + p_counts[v_group];
    end loop;
    with gone as (
      delete from sherd_item
      where id = any(v_fenced) and queue = p_queue and revision = 0 and not cancel and state <> 'done'
      -- Not all columns: each that is carried on costs.
      returning id, name, key, priority, concurrency_key, attempts, failures, lost, max_attempts, errors, body, trace, created_at
    )
    insert into sherd_history (queue, outcome, finished_at, first_id, last_id, ids, names, keys, priorities,
      concurrency_keys, attempts, failures, lost, max_attempts, errors, bodies, traces, created_at)
    select p_queue, 'completed', v_now, p_first, p_last, array_agg(id), array_agg(name), array_agg(key), array_agg(priority),
      array_agg(concurrency_key), array_agg(attempts + 1), array_agg(failures), array_agg(lost), array_agg(max_attempts),
      array_agg(errors), array_agg(body), array_agg(trace), array_agg(created_at)
    from gone having count(*) > 0 returning ids into v_completed;
  end if;
  if json_array_length(p_rows) = 0 and coalesce(cardinality(v_completed), 0) = cardinality(p_ids) then return; end if;

  return query select * from sherd_settle_rest_v1(
    p_queue, p_held, p_leases, p_counts, p_ids, p_rows, coalesce(v_completed, '{}') || v_skipped, v_now);
  return query select o.lease, o.id, 'skipped' from sherd_attempts_v1(p_leases, p_counts, p_ids, p_rows) o where o.id = any(v_skipped);
end $$;`,
  `-- The attempts that a settle ends.
create function sherd_attempts_v1(p_leases uuid[], p_counts integer[], p_ids uuid[], p_rows json)
returns table (lease uuid, id uuid) language sql immutable as $$
  select c.lease, p_ids[(row_number() over (order by c.n, s.n))::integer]
  from unnest(p_leases, p_counts) with ordinality as c(lease, count, n) cross join generate_series(1, c.count) as s(n)
  union all
  select r.lease, r.id from json_to_recordset(p_rows) as r(lease uuid, id uuid)
$$;`,
  `-- Locks the leases and the items that no other transaction has locked; answers the items whose own lock, or whose
-- lease's, was not to be had.
create function sherd_lock_settled_v1(p_held uuid[], p_leases uuid[], p_counts integer[], p_ids uuid[], p_rows json) returns uuid[]
language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_leases uuid[];
  v_items uuid[];
begin
  select coalesce(array_agg(l.id), '{}') into v_leases from (
    select id from sherd_lease where id = any(p_held) order by id for no key update skip locked
  ) l;
  select coalesce(array_agg(i.id), '{}') into v_items from (
    select id from sherd_item where id = any(array(select a.id from sherd_attempts_v1(p_leases, p_counts, p_ids, p_rows) a))
    order by id for update skip locked
  ) i;
  return array(
    select o.id from sherd_attempts_v1(p_leases, p_counts, p_ids, p_rows) o
    where exists (select from sherd_lease l where l.id = o.lease and l.id <> all(v_leases))
      or exists (select from sherd_item i where i.id = o.id and i.id <> all(v_items))
  );
end $$;`,
  `-- Every outcome that is not in p_except, under the leases that sherd_settle_v1 has locked. The items are locked first,
-- so that the one statement that judges and writes them meets no change: its writes touch different rows each, and
-- their order does not matter.
create function sherd_settle_rest_v1(
  p_queue text, p_held uuid[], p_leases uuid[], p_counts integer[], p_ids uuid[], p_rows json, p_except uuid[], p_now timestamp with time zone
) returns table (lease uuid, item uuid, result text) language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_listing uuid[];
  v_listed uuid[];
begin
  select coalesce(array_agg(l.id), '{}'), coalesce(array_agg(h.id), '{}') into v_listing, v_listed
    from sherd_lease l cross join unnest(l.items) as h(id) where l.id = any(p_held);
  perform 1 from sherd_item i
    where i.id = any(array(select a.id from sherd_attempts_v1(p_leases, p_counts, p_ids, p_rows) a)) and i.id <> all(p_except)
    order by i.id for update;

  return query execute $settle$
    with outcome as (
      select r.* from (
        select * from json_to_recordset($1) as r(
          id uuid, lease uuid, revision integer, state text, outcome text, "delayMs" double precision, gate text,
          failed boolean, lost boolean, error jsonb)
        union all
        select c.id, c.lease, 0, 'done', 'completed', null, null, false, false, null
        from sherd_attempts_v1($2, $9, $3, '[]') as c
      ) r where r.id <> all($4)
    ), verdict as materialized (
      select o.*, (o.failed or o.lost or o.outcome is not distinct from 'completed')::integer as ended,
        case when l.id is null or i.id is null then 'lost'
          when i.cancel then 'cancelled'
          when i.revision <> o.revision then 'replaced'
          else 'settled' end as result
      from outcome o
      left join unnest($5, $6) as l(lease, id) on l.lease = o.lease and l.id = o.id
      left join sherd_item i on i.id = o.id and i.queue = $7 and i.state <> 'done'
    ), gone as (
      delete from sherd_item i using verdict v
      where i.id = v.id
        and (v.result = 'cancelled' or v.result = 'settled' and v.state = 'done' and v.outcome <> 'failed')
      returning i.*, case v.result when 'cancelled' then 'cancelled' else v.outcome end as ending,
        v.ended, v.failed, v.lost as was_lost, v.error
    ), kept as (
      insert into sherd_history (queue, outcome, finished_at, first_id, last_id, ids, names, keys, priorities,
        concurrency_keys, attempts, failures, lost, max_attempts, errors, bodies, traces, created_at)
      select $7, ending, $8, min(id::text collate "C")::uuid, max(id::text collate "C")::uuid, array_agg(id), array_agg(name), array_agg(key),
        array_agg(priority), array_agg(concurrency_key), array_agg(attempts + ended), array_agg(failures + failed::integer),
        array_agg(lost + was_lost::integer), array_agg(max_attempts), array_agg(sherd_append_error_v1(errors, error)),
        array_agg(body), array_agg(trace), array_agg(created_at)
      from gone group by ending
    ), replaced as (
      update sherd_item i
      set failures = 0, lost = 0, attempts = i.attempts + v.ended, errors = sherd_append_error_v1(i.errors, v.error)
      from verdict v where i.id = v.id and v.result = 'replaced'
    ), moved as (
      update sherd_item i
      set state = v.state,
        -- A ready item's at is since when it is due; null is since it was made.
        at = case v.state when 'done' then $8 when 'timed' then $8 + coalesce(v."delayMs", 0) * interval '1 millisecond'
          when 'ready' then case i.state when 'ready' then i.at end end,
        outcome = v.outcome,
        gate = case v.state when 'parked' then v.gate end,
        attempts = i.attempts + v.ended,
        failures = i.failures + v.failed::integer,
        lost = i.lost + v.lost::integer,
        errors = sherd_append_error_v1(i.errors, v.error)
      from verdict v
      where i.id = v.id and v.result = 'settled' and (v.state <> 'done' or v.outcome = 'failed')
    ), forgotten as (
      update sherd_lease l
      set (items, revisions) = (select * from sherd_without_v1(l.items, l.revisions, array(
        select v.id from verdict v where v.result = 'replaced' or v.result = 'settled' and v.state <> 'done')))
      where l.id in (
        select v.lease from verdict v where v.result = 'replaced' or v.result = 'settled' and v.state <> 'done')
    )
    select v.lease, v.id, v.result from verdict v where v.result <> 'settled'
  $settle$ using p_rows, p_leases, p_ids, p_except, v_listing, v_listed, p_queue, p_now, p_counts;
end $$;`,
  `-- What a lease lists once p_gone are off it, and the revisions of that, in step.
create function sherd_without_v1(p_items uuid[], p_revisions integer[], p_gone uuid[], out items uuid[], out revisions integer[])
language sql immutable as $$
  select coalesce(array_agg(h.id order by h.n), '{}'), coalesce(array_agg(h.revision order by h.n), '{}')
  from unnest(p_items, p_revisions) with ordinality as h(id, revision, n) where h.id <> all(p_gone)
$$;`,
  `-- The last ten errors of an item, oldest first.
create function sherd_append_error_v1(p_errors jsonb, p_error jsonb) returns jsonb language sql immutable as $$
  select case when p_error is null or p_error = 'null'::jsonb then p_errors
    when jsonb_array_length(p_errors) >= 10 then (p_errors - 0) || p_error
    else coalesce(p_errors, '[]'::jsonb) || p_error end
$$;`,
];
