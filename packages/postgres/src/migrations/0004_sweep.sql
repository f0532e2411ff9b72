-- Locks: due items, expired leases and their items, each SKIP LOCKED: a lease that a transaction holds is left to it,
-- and an item that another transaction has locked stays on its lease for the next sweep. Index: sherd_item_timed,
-- sherd_lease_queue, sherd_item_pkey, those of sherd_unblock_stuck_v1. READ COMMITTED: lists and items are read after they are locked.
create function sherd_sweep_v1(
  p_queue text, p_limit integer, p_max_lost integer,
  out promoted integer, out lost text, out more boolean
) language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_now timestamp with time zone := clock_timestamp();
  v_leases uuid[];
  v_ids uuid[];
  v_revisions integer[];
  v_owners text[];
  v_locked uuid[];
  v_busy uuid[];
begin
  with due as (
    select i.id from sherd_item i where i.queue = p_queue and i.state = 'timed' and i.at <= v_now
    order by i.at limit p_limit for no key update skip locked
  )
  update sherd_item i set state = 'ready' from due where i.id = due.id;
  get diagnostics promoted = row_count;

  perform sherd_unblock_stuck_v1(p_queue);

  select coalesce(array_agg(l.id), '{}') into v_leases from (
    select e.id from sherd_lease e where e.queue = p_queue and e.expires_at <= v_now
    order by e.expires_at limit p_limit for update skip locked
  ) l;
  more := promoted >= p_limit or cardinality(v_leases) >= p_limit;
  lost := '[]';
  if v_leases = '{}' then return; end if;

  select coalesce(array_agg(h.id), '{}'), array_agg(h.revision), array_agg(l.owner) into v_ids, v_revisions, v_owners
    from sherd_lease l cross join unnest(l.items, l.revisions) as h(id, revision) where l.id = any(v_leases);
  select coalesce(array_agg(i.id), '{}') into v_locked from (
    select s.id from sherd_item s where s.id = any(v_ids) and s.state <> 'done' order by s.id for update skip locked
  ) i;
  select coalesce(array_agg(i.id), '{}') into v_busy from sherd_item i
    where i.id = any(v_ids) and i.state <> 'done' and i.id <> all(v_locked);

  delete from sherd_lease l where l.id = any(v_leases) and not l.items && v_busy;
  update sherd_lease l set (items, revisions) = (select * from sherd_without_v1(l.items, l.revisions,
      array(select h.id from unnest(l.items) as h(id) where h.id <> all(v_busy))))
    where l.id = any(v_leases) and l.items && v_busy;
  lost := sherd_count_losses_v1(v_ids, v_revisions, v_owners, v_locked, p_max_lost, v_now);
end $$;
--> statement-breakpoint
-- Counts one loss for each of the locked items p_locked; its writes touch different rows each. An item whose revision
-- is not the claimed one was replaced: it was the payload before that was lost, so the loss counts among its attempts alone.
create function sherd_count_losses_v1(
  p_ids uuid[], p_revisions integer[], p_owners text[], p_locked uuid[], p_max_lost integer,
  p_now timestamp with time zone
) returns text language sql volatile
set enable_seqscan = off set jit = off
as $$
  with verdict as materialized (
    select i.id, i.name, h.owner, i.lost + (i.revision = h.revision)::integer as losses,
      case when i.cancel then 'cancelled'
        when i.revision <> h.revision then 'ready'
        when i.lost + 1 >= p_max_lost or i.failures + i.lost + 1 >= i.max_attempts then 'failed'
        else 'ready' end as ending,
      jsonb_build_object('at', round(extract(epoch from p_now) * 1000), 'attempt', i.failures + i.lost + 1,
        'name', 'LostAttempt', 'code', 'LOST',
        'message', format('The lease of %s expired: its process died or stalled.', h.owner)) as error
    from unnest(p_ids, p_revisions, p_owners) as h(id, revision, owner) join sherd_item i on i.id = h.id
    where i.id = any(p_locked)
  ), gone as (
    delete from sherd_item i using verdict v where i.id = v.id and v.ending = 'cancelled'
    returning i.*, v.losses, v.error
  ), kept as (
    insert into sherd_history (queue, outcome, finished_at, first_id, last_id, ids, names, keys, priorities,
      concurrency_keys, attempts, failures, lost, max_attempts, errors, bodies, traces, created_at)
    select queue, 'cancelled', p_now, min(id::text collate "C")::uuid, max(id::text collate "C")::uuid, array_agg(id), array_agg(name), array_agg(key),
      array_agg(priority), array_agg(concurrency_key), array_agg(attempts + 1), array_agg(failures), array_agg(losses),
      array_agg(max_attempts), array_agg(sherd_append_error_v1(errors, error)), array_agg(body), array_agg(trace),
      array_agg(created_at)
    from gone group by queue
  ), counted as (
    update sherd_item i set lost = v.losses, attempts = i.attempts + 1,
      state = case v.ending when 'failed' then 'done' else i.state end,
      at = case v.ending when 'failed' then p_now else i.at end,
      gate = case v.ending when 'failed' then null else i.gate end,
      outcome = case v.ending when 'failed' then 'failed' end,
      errors = sherd_append_error_v1(i.errors, v.error)
    from verdict v where i.id = v.id and v.ending <> 'cancelled'
  )
  select coalesce(json_agg(json_build_object(
    'id', v.id, 'name', v.name, 'owner', v.owner, 'lost', v.losses, 'end', v.ending)), '[]')::text from verdict v
$$;
