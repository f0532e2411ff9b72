// Inlined from 0003_settle.sql; `vitest -u` writes it anew.
export const settle: readonly string[] = [
  `-- Ends attempts; answers those that were not plainly settled. p_leases, p_ids and p_revisions are completions, each of
-- an item that occurs once; p_rows the other outcomes, no two of one item under one lease. Locks, by id: the leases FOR NO KEY UPDATE, which keeps settles of one lease apart and
-- the sweep out while a transaction that only holds it goes on; then the items. READ COMMITTED: the lists are read
-- after the leases are locked, and the items after the items are. Index: the primary keys.
-- p_mode: 'own', the transaction is this call's, so a row that is locked elsewhere costs 200 ms and SQLSTATE 55P03;
-- 'skip', the same without waiting, what is locked elsewhere is answered 'skipped';
-- 'joined', the transaction is the caller's and waits: items first, so that it waits without having the lease.
create function sherd_settle_v1(
  p_queue text, p_leases uuid[], p_ids uuid[], p_revisions integer[], p_rows json, p_mode text
) returns table (lease uuid, item uuid, result text) language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_now timestamp with time zone;
  v_leases uuid[];
  v_ids uuid[];
  v_listing uuid[];
  v_listed uuid[];
  v_skipped uuid[] := '{}';
  v_completed uuid[] := '{}';
begin
  select p_leases || coalesce(array_agg(r.l), '{}'), p_ids || coalesce(array_agg(r.i), '{}')
    into v_leases, v_ids from (select o.lease as l, o.id as i from json_to_recordset(p_rows) as o(lease uuid, id uuid)) r;

  if p_mode = 'skip' then
    v_skipped := sherd_lock_settled_v1(v_leases, v_ids);
  else
    if p_mode = 'own' then perform set_config('lock_timeout', '200ms', true); end if;
    if p_mode = 'joined' then perform 1 from sherd_item where id = any(v_ids) order by id for update; end if;
    perform 1 from sherd_lease where id = any(v_leases) order by id for no key update;
  end if;
  v_now := clock_timestamp();

  select coalesce(array_agg(l.id), '{}'), coalesce(array_agg(h.id), '{}') into v_listing, v_listed
    from sherd_lease l cross join unnest(l.items) as h(id) where l.id = any(v_leases);

  if p_ids <> '{}' then
    -- Planned for its arrays' lengths: a hash join for the fence, then one index probe an item.
    execute $complete$
      with fenced as (
        select o.id, o.revision from unnest($1, $2, $3) as o(lease, id, revision)
        join unnest($4, $5) as l(lease, id) on l.lease = o.lease and l.id = o.id
        where o.id <> all($6)
      ), gone as (
        delete from sherd_item i using fenced f
        where i.id = f.id and i.queue = $7 and i.revision = f.revision and not i.cancel and i.state <> 'done'
        returning i.*
      ), kept as (
        insert into sherd_history (id, queue, name, key, outcome, priority, concurrency_key, attempts, failures, lost,
          max_attempts, errors, body, trace, created_at, finished_at)
        select id, queue, name, key, 'completed', priority, concurrency_key, attempts + 1, failures, lost,
          max_attempts, errors, body, trace, created_at, $8 from gone
        returning id
      )
      select coalesce(array_agg(id), '{}') from kept
    $complete$ into v_completed
    using p_leases, p_ids, p_revisions, v_listing, v_listed, v_skipped, p_queue, v_now;
  end if;

  if cardinality(v_completed) < cardinality(v_ids) then
    return query select * from sherd_settle_rest_v1(
      p_queue, p_leases, p_ids, p_revisions, p_rows, v_listing, v_listed, v_completed || v_skipped, v_now);
  end if;
  return query select o.l, o.i, 'skipped' from unnest(v_leases, v_ids) as o(l, i) where o.i = any(v_skipped);
end $$;`,
  `-- Locks the leases and the items that no other transaction has locked; answers the items whose own lock, or whose
-- lease's, was not to be had.
create function sherd_lock_settled_v1(p_leases uuid[], p_ids uuid[]) returns uuid[] language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_leases uuid[];
  v_items uuid[];
begin
  select coalesce(array_agg(l.id), '{}') into v_leases from (
    select id from sherd_lease where id = any(p_leases) order by id for no key update skip locked
  ) l;
  select coalesce(array_agg(i.id), '{}') into v_items from (
    select id from sherd_item where id = any(p_ids) order by id for update skip locked
  ) i;
  return array(
    select o.id from unnest(p_leases, p_ids) as o(lease, id)
    where exists (select from sherd_lease l where l.id = o.lease and l.id <> all(v_leases))
      or exists (select from sherd_item i where i.id = o.id and i.id <> all(v_items))
  );
end $$;`,
  `-- Every outcome that is not in p_except, under the leases that sherd_settle_v1 has locked. The items are locked first,
-- so that the one statement that judges and writes them meets no change: its writes touch different rows each, and
-- their order does not matter.
create function sherd_settle_rest_v1(
  p_queue text, p_leases uuid[], p_ids uuid[], p_revisions integer[], p_rows json,
  p_listing uuid[], p_listed uuid[], p_except uuid[], p_now timestamp with time zone
) returns table (lease uuid, item uuid, result text) language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
begin
  perform 1 from sherd_item i
    where i.id = any(p_ids || array(select r.id from json_to_recordset(p_rows) as r(id uuid))) and i.id <> all(p_except)
    order by i.id for update;

  return query execute $settle$
    with outcome as (
      select r.* from (
        select * from json_to_recordset($1) as r(
          id uuid, lease uuid, revision integer, state text, outcome text, "delayMs" double precision, gate text,
          failed boolean, lost boolean, error jsonb)
        union all
        select c.id, c.lease, c.revision, 'done', 'completed', null, null, false, false, null
        from unnest($2, $3, $4) as c(lease, id, revision)
      ) r where r.id <> all($5)
    ), verdict as materialized (
      select o.*, (o.failed or o.lost or o.outcome is not distinct from 'completed')::integer as ended,
        case when l.id is null or i.id is null then 'lost'
          when i.cancel then 'cancelled'
          when i.revision <> o.revision then 'replaced'
          else 'settled' end as result
      from outcome o
      left join unnest($6, $7) as l(lease, id) on l.lease = o.lease and l.id = o.id
      left join sherd_item i on i.id = o.id and i.queue = $8 and i.state <> 'done'
    ), gone as (
      delete from sherd_item i using verdict v
      where i.id = v.id
        and (v.result = 'cancelled' or v.result = 'settled' and v.state = 'done' and v.outcome <> 'failed')
      returning i.*, case v.result when 'cancelled' then 'cancelled' else v.outcome end as ending,
        v.ended, v.failed, v.lost as was_lost, v.error
    ), kept as (
      insert into sherd_history (id, queue, name, key, outcome, priority, concurrency_key, attempts, failures, lost,
        max_attempts, errors, body, trace, created_at, finished_at)
      select id, queue, name, key, ending, priority, concurrency_key, attempts + ended, failures + failed::integer,
        lost + was_lost::integer, max_attempts, sherd_append_error_v1(errors, error), body, trace, created_at, $9
      from gone
    ), replaced as (
      update sherd_item i
      set failures = 0, lost = 0, attempts = i.attempts + v.ended, errors = sherd_append_error_v1(i.errors, v.error)
      from verdict v where i.id = v.id and v.result = 'replaced'
    ), moved as (
      update sherd_item i
      set state = v.state,
        -- A ready item's at is since when it is due; null is since it was made.
        at = case v.state when 'done' then $9 when 'timed' then $9 + coalesce(v."delayMs", 0) * interval '1 millisecond'
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
  $settle$ using p_rows, p_leases, p_ids, p_revisions, p_except, p_listing, p_listed, p_queue, p_now;
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
