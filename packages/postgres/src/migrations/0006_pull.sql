-- Pulled items, as their callers see them: JSON texts that may hold what JSON of the database cannot stay texts. Takes no
-- locks. Index: sherd_item_pkey, sherd_lease_item.
create function sherd_pulled_v1(p_ids uuid[]) returns table (item uuid, pulled text) language sql stable as $$
  select i.id, json_build_array(
    i.id, i.key, i.phase, i.body::text, coalesce(i.memo::text, 'null'),
    case when i.state <> 'parked' then round(date_part('epoch', i.at) * 1000) end,
    l.owner, l.id, round(date_part('epoch', l.expires_at) * 1000),
    i.attempts, i.failures, i.lost, i.errors -> -1, i.revision,
    round(date_part('epoch', i.started_at) * 1000), round(date_part('epoch', i.ended_at) * 1000),
    round(date_part('epoch', i.succeeded_at) * 1000), round(date_part('epoch', i.created_at) * 1000),
    round(date_part('epoch', i.updated_at) * 1000))::text
  from sherd_item i left join sherd_lease l on l.item = i.id where i.id = any(p_ids)
$$;
--> statement-breakpoint
-- Locks: those of the items that are there already, by id. What is inserted is inserted by key, so that two batches
-- cannot wait for each other. READ COMMITTED: an item is judged after it was locked. Index: sherd_item_key.
create function sherd_put_v1(p_queue text, p_drafts json, p_refreshes boolean) returns setof text
language plpgsql volatile
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamp with time zone := clock_timestamp();
  v_created uuid[];
  v_known uuid[];
begin
  -- Again, when one was deleted between the insertion that it refused and the look for it.
  for v_try in 1..100 loop
    with created as (
      insert into sherd_item (id, queue, name, key, state, at, max_attempts, retry, revision, body, memo, phase,
        created_at, updated_at)
      select d.id, p_queue, 'pulled', d.key,
        case when d."setsDue" and d."dueAt" is null then 'parked' else 'timed' end,
        coalesce(to_timestamp(d."dueAt" / 1000.0), v_now), 2147483647, 'none', d.revision, coalesce(d.body, 'null')::json,
        coalesce(d.memo, 'null')::json, 'idle', v_now, v_now
      from json_to_recordset(p_drafts)
        as d(id uuid, key text, revision integer, body text, memo text, "setsDue" boolean, "dueAt" double precision)
      order by d.key
      on conflict (queue, key) where key is not null and state <> 'done' do nothing returning id
    )
    select coalesce(v_created, '{}') || coalesce(array_agg(id), '{}') into v_created from created;
    v_known := array(
      select i.id from sherd_item i
      where i.queue = p_queue and i.key = any(array(select d.key from json_to_recordset(p_drafts) as d(key text)))
        and i.key is not null and i.state <> 'done' and i.id <> all(v_created)
      order by i.id for no key update
    );
    exit when cardinality(v_created) + cardinality(v_known) >= json_array_length(p_drafts);
  end loop;
  if p_refreshes then
    update sherd_item i set
      body = coalesce(d.body::json, i.body), memo = coalesce(d.memo::json, i.memo),
      state = case when not d."setsDue" then i.state when d."dueAt" is null then 'parked' else 'timed' end,
      at = case when d."setsDue" then coalesce(to_timestamp(d."dueAt" / 1000.0), v_now) else i.at end,
      revision = i.revision + 1, updated_at = v_now
    from json_to_recordset(p_drafts)
      as d(key text, body text, memo text, "setsDue" boolean, "dueAt" double precision)
    where i.id = any(v_known) and i.key = d.key and i.phase not in ('leased', 'running')
      and (d."setsDue" or d.body is not null or d.memo is not null);
  end if;
  return query select p.pulled from sherd_pulled_v1(v_created || v_known) p;
end $$;
--> statement-breakpoint
-- Locks: the items and, of those that are taken over, the leases, SKIP LOCKED: of two callers, each takes what the other has
-- not. Nothing waits for the queue's lock. READ COMMITTED: what somebody else changed before the lock was had is judged
-- anew. The commit is durable: once the caller knows a revision, it must never be given out again. Index:
-- sherd_item_timed in order, sherd_lease_queue, sherd_lease_item. Of what became due at one moment any goes first: to put
-- that in order, too, all of it would have to be read. Plans are made once a connection: to plan takes longer than to pull.
create function sherd_pull_v1(p_queue text, p_limit integer, p_lease_ms double precision, p_owner text) returns setof text
language plpgsql volatile
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamp with time zone := clock_timestamp();
  v_expired uuid[];
  v_due uuid[];
  v_taken uuid[];
begin
  v_expired := array(
    select i.id from sherd_lease l join sherd_item i on i.id = l.item
    where l.queue = p_queue and l.item is not null and l.expires_at <= v_now
    order by i.at, i.seq limit p_limit for no key update of i, l skip locked
  );
  v_due := array(
    select i.id from sherd_item i where i.queue = p_queue and i.state = 'timed' and i.at <= v_now
    order by i.at limit p_limit for no key update skip locked
  );
  v_taken := array(
    select i.id from sherd_item i where i.id = any(v_expired || v_due) order by i.at, i.seq limit p_limit
  );
  if v_taken = '{}' then return; end if;
  delete from sherd_lease where item = any(v_taken);
  update sherd_item set state = 'ready', phase = 'leased', revision = revision + 1, attempts = attempts + 1,
    lost = lost + case when id = any(v_expired) then 1 else 0 end, started_at = v_now, updated_at = v_now
  where id = any(v_taken);
  insert into sherd_lease (id, queue, owner, expires_at, items, revisions, item)
    select gen_random_uuid(), p_queue, p_owner, v_now + p_lease_ms * interval '1 millisecond', array[i.id],
      array[i.revision], i.id
    from sherd_item i where i.id = any(v_taken);
  return query select p.pulled from unnest(v_taken) with ordinality as t(id, n)
    join sherd_pulled_v1(v_taken) p on p.item = t.id order by t.n;
end $$;
--> statement-breakpoint
-- Locks: the items, by id, then their leases. READ COMMITTED: an item is judged after it was locked, so its revision is
-- the one that any earlier move or claim left it with. Keys are looked up as an array: a join with them may be planned to
-- read the whole queue. Index: sherd_item_key, sherd_lease_item.
create function sherd_move_v1(p_queue text, p_moves json) returns table (key text, result text, pulled text)
language plpgsql volatile
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamp with time zone;
  v_ids uuid[];
  v_keys text[];
  v_found uuid[];
  v_results text[];
begin
  v_ids := array(
    select i.id from sherd_item i
    where i.queue = p_queue and i.key = any(array(select m.key from json_to_recordset(p_moves) as m(key text)))
      and i.key is not null and i.state <> 'done'
    order by i.id for no key update
  );
  v_now := clock_timestamp();
  with verdict as materialized (
    select m.*, i.id, case
        when i.id is null then 'missing'
        when i.revision <> m.revision then 'conflict'
        when i.phase not in ('leased', 'running') then 'idle'
        when m."needsLiveLease" and (l.expires_at is null or l.expires_at <= v_now) then 'expired'
        else 'moved' end as verdict
    from json_to_recordset(p_moves) as m(key text, revision integer, phase text, "needsLiveLease" boolean, due text,
      "dueMs" double precision, body text, memo text, attempts text, failures text, lost text, error json,
      "endsLease" boolean, "leaseMs" double precision)
    left join sherd_item i on i.id = any(v_ids) and i.key = m.key
    left join sherd_lease l on l.item = i.id
  ), moved as (
    update sherd_item i set
      phase = v.phase, revision = i.revision + 1, updated_at = v_now,
      state = case when v.due = 'never' then 'parked' when v.due = 'kept' and not v."endsLease" then i.state else 'timed' end,
      at = case v.due when 'at' then to_timestamp(v."dueMs" / 1000.0)
        when 'in' then v_now + v."dueMs" * interval '1 millisecond' else i.at end,
      body = coalesce(v.body::json, i.body), memo = coalesce(v.memo::json, i.memo),
      attempts = case v.attempts when 'reset' then 0 when 'undone' then greatest(i.attempts - 1, 0) else i.attempts end,
      failures = case v.failures when 'reset' then 0 when 'counted' then i.failures + 1 else i.failures end,
      lost = case v.lost when 'reset' then 0 else i.lost end,
      errors = case when v.phase = 'succeeded' then null when v.error is not null
        then sherd_append_error_v1(i.errors, v.error::jsonb || jsonb_build_object('attempt', i.attempts)) else i.errors end,
      ended_at = case when v.phase in ('succeeded', 'failed') then v_now else i.ended_at end,
      succeeded_at = case v.phase when 'succeeded' then v_now else i.succeeded_at end
    from verdict v where i.id = v.id and v.verdict = 'moved'
  ), let_go as (
    delete from sherd_lease l using verdict v where l.item = v.id and v.verdict = 'moved' and v."endsLease"
  ), renewed as (
    update sherd_lease l set expires_at = v_now + v."leaseMs" * interval '1 millisecond'
    from verdict v where l.item = v.id and v.verdict = 'moved' and v."leaseMs" is not null
  )
  select array_agg(v.key), array_agg(v.id), array_agg(v.verdict) into v_keys, v_found, v_results from verdict v;
  return query select a.key, a.result, p.pulled from unnest(v_keys, v_found, v_results) as a(key, id, result)
    left join sherd_pulled_v1(v_ids) p on p.item = a.id;
end $$;
--> statement-breakpoint
-- Locks: the items, by id, then their leases. Index: sherd_item_key, sherd_lease_item.
create function sherd_remove_v1(p_queue text, p_keys text[]) returns setof text language plpgsql volatile as $$
declare
  v_ids uuid[] := array(
    select i.id from sherd_item i
    where i.queue = p_queue and i.key = any(p_keys) and i.key is not null and i.state <> 'done'
    order by i.id for update
  );
begin
  delete from sherd_lease where item = any(v_ids);
  return query delete from sherd_item i where i.id = any(v_ids) returning i.key;
end $$;
