// Inlined from 0005_operate.sql; `vitest -u` writes it anew.
export const operate: readonly string[] = [
  `-- Inserts items of which some have a key, and answers how each met the item that had its key. Keys are locked in
-- sorted order, whatever the order of the batch, so that two batches cannot wait for each other; seq keeps the batch's
-- order. Where one was replaced that others wait behind, the next of them is made ready, last, since that waits for
-- nobody. Works at every isolation level: an insert that meets a row it cannot see fails with 40001. Index: sherd_item_key,
-- sherd_item_blocked.
create function sherd_enqueue_v1(p_items json) returns table (item uuid, existing uuid, resolution text)
language plpgsql volatile as $$
declare
  r record;
  v_concurrency_key text;
  v_queues text[] := '{}';
  v_keys text[] := '{}';
begin
  for r in
    with numbered as materialized (
      select n.*, nextval(pg_get_serial_sequence('sherd_item', 'seq')) as seq,
        case when n."dueAt" is not null and to_timestamp(n."dueAt" / 1000.0) > statement_timestamp()
          then to_timestamp(n."dueAt" / 1000.0) end as at
      from json_to_recordset(p_items) as n(
        id uuid, queue text, name text, key text, "onConflict" text, "dueAt" double precision, priority integer,
        "concurrencyKey" text, "releaseKeyOnRetry" boolean, retry text, "maxAttempts" integer, "timeoutMs" bigint,
        body text, trace text)
    )
    select * from numbered n order by n.queue, n.key nulls first, n.seq
  loop
    existing := null;
    for attempt in 1..100 loop
      if r."onConflict" = 'replace' then
        insert into sherd_item as i (id, seq, queue, name, key, state, at, priority, concurrency_key,
          release_key_on_retry, max_attempts, retry, timeout_ms, body, trace)
        values (r.id, r.seq, r.queue, r.name, r.key, case when r.at is null then 'ready' else 'timed' end, r.at,
          r.priority, r."concurrencyKey", r."releaseKeyOnRetry", r."maxAttempts", r.retry, r."timeoutMs",
          r.body::json, r.trace)
        on conflict (queue, key) where key is not null and state <> 'done' do update
        set name = excluded.name, state = excluded.state,
          at = case excluded.state when 'ready' then statement_timestamp() else excluded.at end, gate = null,
          -- The concurrency key stays: an attempt that runs meanwhile occupies it.
          priority = excluded.priority, max_attempts = excluded.max_attempts, retry = excluded.retry,
          timeout_ms = excluded.timeout_ms, body = excluded.body, trace = excluded.trace,
          revision = i.revision + 1, failures = 0, lost = 0, cancel = false
        returning i.id, i.concurrency_key into existing, v_concurrency_key;
      else
        insert into sherd_item (id, seq, queue, name, key, state, at, priority, concurrency_key,
          release_key_on_retry, max_attempts, retry, timeout_ms, body, trace)
        values (r.id, r.seq, r.queue, r.name, r.key, case when r.at is null then 'ready' else 'timed' end, r.at,
          r.priority, r."concurrencyKey", r."releaseKeyOnRetry", r."maxAttempts", r.retry, r."timeoutMs",
          r.body::json, r.trace)
        on conflict (queue, key) where key is not null and state <> 'done' do nothing
        returning id into existing;
        if existing is null then
          select i.id into existing from sherd_item i where i.queue = r.queue and i.key = r.key and i.state <> 'done';
        end if;
      end if;
      -- Null: the item that had the key has finished meanwhile, and the key is free.
      exit when existing is not null;
    end loop;
    if existing is null then
      raise exception 'The key kept changing hands' using errcode = '40001';
    end if;
    continue when existing = r.id;
    if r."onConflict" = 'error' then
      raise exception 'An item has this key' using errcode = 'SH001',
        detail = json_build_object('queue', r.queue, 'key', r.key, 'existingId', existing)::text;
    end if;
    if r."onConflict" = 'replace' and v_concurrency_key is not null then
      v_queues := v_queues || r.queue;
      v_keys := v_keys || v_concurrency_key;
    end if;
    item := r.id;
    resolution := case r."onConflict" when 'replace' then 'replaced' else 'ignored' end;
    return next;
  end loop;
  for r in select distinct u.queue, u.key from unnest(v_queues, v_keys) as u(queue, key) loop
    perform sherd_unblock_v1(r.queue, array_agg(b.key), array_agg(b.name)) from sherd_blocked_v1(r.queue, r.key) b;
  end loop;
end $$;`,
  `-- Takes no locks. Index: sherd_history_ids, from the first batch that may have the id on.
create function sherd_has_finished_v1(p_queue text, p_id uuid) returns boolean language sql stable as $$
  select exists (
    select from sherd_history h where h.queue = p_queue and h.last_id >= p_id and h.first_id <= p_id and p_id = any(h.ids))
$$;`,
  `-- Locks: the queue's, as claim does, so that the item is not claimed between the look and the write; the item NOWAIT,
-- since nothing may wait for a user's transaction under the queue's lock; then the next of those that it blocked, SKIP
-- LOCKED. Index: the primary keys, sherd_lease_queue, sherd_item_blocked.
create function sherd_cancel_v1(p_queue text, p_id uuid) returns text language plpgsql volatile as $$
declare
  v_state text;
  v_key text;
  v_name text;
begin
  perform sherd_lock_v1(p_queue);
  select i.state, i.concurrency_key, i.name into v_state, v_key, v_name from sherd_item i where i.id = p_id and i.queue = p_queue for update nowait;
  if not found then
    return case when sherd_has_finished_v1(p_queue, p_id)
      then 'finished' else 'not_found' end;
  end if;
  if v_state = 'done' then return 'finished'; end if;
  if exists (select from sherd_lease l where l.queue = p_queue and p_id = any(l.items)) then
    update sherd_item set cancel = true where id = p_id;
    return 'requested';
  end if;
  with gone as (delete from sherd_item where id = p_id returning *)
  insert into sherd_history (queue, outcome, finished_at, first_id, last_id, ids, names, keys, priorities,
    concurrency_keys, attempts, failures, lost, max_attempts, errors, bodies, traces, created_at)
  select queue, 'cancelled', clock_timestamp(), id, id, array[id], array[name], array[key], array[priority],
    array[concurrency_key], array[attempts], array[failures], array[lost], array[max_attempts], array[errors], array[body],
    array[trace], array[created_at]
  from gone;
  if v_state = 'ready' and v_key is not null then perform sherd_unblock_v1(p_queue, array[v_key], array[v_name]); end if;
  return 'cancelled';
end $$;`,
  `-- Locks: the lease that still lists the item, then the item, in the order of settle. Index: sherd_lease_queue, then
-- the primary key. A row that a user's transaction has locked costs 200 ms and SQLSTATE 55P03.
create function sherd_retry_v1(p_queue text, p_id uuid) returns text language plpgsql volatile as $$
declare
  v_key text;
  v_existing uuid;
begin
  perform set_config('lock_timeout', '200ms', true);
  perform 1 from sherd_lease l where l.queue = p_queue and p_id = any(l.items) order by l.id for no key update;
  update sherd_item set state = 'ready', at = clock_timestamp(), failures = 0, lost = 0, outcome = null, cancel = false
    where id = p_id and queue = p_queue and state = 'done' and outcome = 'failed';
  if found then
    update sherd_lease l
      set (items, revisions) = (select * from sherd_without_v1(l.items, l.revisions, array[p_id]))
      where l.queue = p_queue and p_id = any(l.items);
    return 'retried';
  end if;
  return case when exists (select from sherd_item i where i.id = p_id and i.queue = p_queue)
    or sherd_has_finished_v1(p_queue, p_id) then 'not_failed' else 'not_found' end;
exception when unique_violation then
  select i.key into v_key from sherd_item i where i.id = p_id;
  select i.id into v_existing from sherd_item i where i.queue = p_queue and i.key = v_key and i.state <> 'done';
  raise exception 'An item has this key' using errcode = 'SH001',
    detail = json_build_object('queue', p_queue, 'key', v_key, 'existingId', v_existing)::text;
end $$;`,
];
