// Inlined from 0002_claim.sql; `vitest -u` writes it anew.
export const claim: readonly string[] = [
  `-- Serializes the claims of one queue, and what must not run between a claim's reads. The next statement of the caller
-- sees what the previous holder committed, which READ COMMITTED alone gives.
create function sherd_lock_v1(p_queue text) returns void language plpgsql volatile as $$
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    raise exception 'Sherd claims under READ COMMITTED, this connection defaults to %', current_setting('transaction_isolation')
      using errcode = 'SH002';
  end if;
  perform pg_advisory_xact_lock(1936221554, hashtext(p_queue));
end $$;`,
  `-- What an attempt needs of an item, as one line: a text costs half of what JSON does. No field can hold what separates
-- fields, lines and lists, the characters 31, 30 and 29: JSON never has them.
create function sherd_line_v1(i sherd_item) returns text language sql stable as $$
  select i.id::text || e'\x1f' || i.revision::text || e'\x1f' || i.name || e'\x1f' || i.retry || e'\x1f' || i.max_attempts::text
    || e'\x1f' || date_part('epoch', i.created_at)::text || e'\x1f' || i.body::text || e'\x1f'
    || case when i.concurrency_key is not null or i.cancel or i.failures + i.lost > 0 or i.timeout_ms is not null or i.trace is not null
      then json_build_array(i.concurrency_key, i.cancel, i.failures, i.lost, i.timeout_ms, i.trace)::text else '' end
$$;`,
  `-- The line of an item that is still to be read.
create function sherd_unread_v1(p_id uuid, p_revision integer) returns text language sql immutable as $$
  select p_id::text || e'\x1f' || p_revision::text
$$;`,
  `-- The first p_limit ready items that no lease lists and whose concurrency key is free. Takes no locks; each statement
-- sees a snapshot of its own, so a caller that holds the queue's lock gets an exact answer. Index: sherd_item_ready
-- in order; what is held is hashed once. Plans are made once a connection: to plan takes longer than to pick. Suspects,
-- lost p_suspect_from times or more, come one at most, or none. candidates counts before keys and suspects are made
-- unique. losses is null when nothing was lost before. lines has one for each item; of those in unread no more than the id and
-- the revision, as large bodies are left for when no lock is held. It is null where keys or losses play a part: all are unread.
-- deep_busy are the busy keys, where it had to walk far past their items. p_avoided are keys that count as busy, too.
create function sherd_pick_v1(
  p_queue text, p_names text[], p_limit integer, p_suspect_from integer, p_takes_suspect boolean, p_avoided text[],
  out ids uuid[], out revisions integer[], out losses integer[], out lines text, out unread uuid[], out candidates integer,
  out is_keyed boolean, out deep_busy text[]
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_keys text[];
  v_most_lost integer;
  v_lost_below integer := case when p_takes_suspect then 2147483647 else p_suspect_from end;
begin
  select coalesce(array_agg(c.id), '{}'), coalesce(array_agg(c.revision), '{}'), bool_or(c.concurrency_key is not null), max(c.lost),
      string_agg(c.line, e'\x1e'), coalesce(array_agg(c.id) filter (where not c.is_read), '{}')
    into ids, revisions, is_keyed, v_most_lost, lines, unread from (
    select i.id, i.revision, i.concurrency_key, i.lost, b.is_small as is_read,
      case when b.is_small then sherd_line_v1(i) else sherd_unread_v1(i.id, i.revision) end as line
    from sherd_item i
    cross join lateral (select pg_column_size(i.body) <= 2000 and pg_column_compression(i.body) is null as is_small) b
    where i.queue = p_queue and i.state = 'ready' and i.name = any(p_names) and i.lost < v_lost_below
      and i.id not in (select h.id from sherd_lease l cross join unnest(l.items) as h(id) where l.queue = p_queue)
    order by i.priority desc, i.seq limit p_limit
  ) c;
  candidates := cardinality(ids);
  if is_keyed then
    select * into ids, revisions, v_keys, losses, deep_busy from sherd_pick_keyed_v1(
      p_queue, p_names, p_limit, v_lost_below, p_avoided);
    candidates := cardinality(ids);
  elsif v_most_lost > 0 then
    losses := array(select i.lost from unnest(ids) with ordinality as c(id, n) join sherd_item i on i.id = c.id order by c.n);
    v_keys := array_fill(null::text, array[candidates]);
  else
    return;
  end if;

  select coalesce(array_agg(f.id order by f.n), '{}'), array_agg(f.revision order by f.n), array_agg(f.lost order by f.n)
    into ids, revisions, losses from (
    select k.*, row_number() over (partition by k.lost >= p_suspect_from order by k.n) as nth from (
      select c.*, row_number() over (partition by c.key order by c.n) as nth_of_key
      from unnest(ids, revisions, v_keys, losses) with ordinality as c(id, revision, key, lost, n)
    ) k where k.key is null or k.nth_of_key = 1
  ) f where f.lost < p_suspect_from or f.nth = 1;
  lines := null;
end $$;`,
  `-- The pick where concurrency keys are in use: without the items whose key is busy. Index: sherd_item_pkey for what is
-- held, sherd_item_retrying for what waits for its retry, sherd_item_suspect for what others must not overtake although it
-- is left out, then sherd_item_ready in order, at first no further than sherd_reach_v1; only when that is not enough, as far
-- as it takes. In that case deep_busy are the busy keys.
create function sherd_pick_keyed_v1(
  p_queue text, p_names text[], p_limit integer, p_lost_below integer, p_avoided text[],
  out ids uuid[], out revisions integer[], out keys text[], out losses integer[], out deep_busy text[]
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_held uuid[];
  v_busy text[];
  v_reach integer;
begin
  select coalesce(array_agg(h.id), '{}') into v_held
    from sherd_lease l cross join unnest(l.items) as h(id) where l.queue = p_queue;

  select coalesce(array_agg(distinct b.concurrency_key), '{}') into v_busy from (
    select concurrency_key from sherd_item
    where id = any(v_held) and state <> 'done' and concurrency_key is not null
    union all
    select concurrency_key from sherd_item
    where queue = p_queue and state = 'timed' and concurrency_key is not null and failures + lost > 0
      and not release_key_on_retry
    union all
    select concurrency_key from sherd_item
    where queue = p_queue and state = 'ready' and concurrency_key is not null and lost > 0 and lost >= p_lost_below
    union all
    select a.key from unnest(p_avoided) as a(key)
  ) b;

  v_reach := sherd_reach_v1(p_limit, cardinality(v_held) + cardinality(v_busy));
  loop
    -- Without a limit when v_reach is null.
    select coalesce(array_agg(c.id), '{}'), array_agg(c.revision), array_agg(c.concurrency_key), array_agg(c.lost)
      into ids, revisions, keys, losses from (
      select i.id, i.revision, i.concurrency_key, i.lost from (
        select * from sherd_item r where r.queue = p_queue and r.state = 'ready' order by r.priority desc, r.seq limit v_reach
      ) i
      where i.name = any(p_names) and i.lost < p_lost_below and i.id not in (select h.id from unnest(v_held) as h(id))
        and (i.concurrency_key is null or i.concurrency_key not in (select b.key from unnest(v_busy) as b(key)))
      order by i.priority desc, i.seq limit p_limit
    ) c;
    exit when v_reach is null or cardinality(ids) = p_limit or not exists (
      select from sherd_item i where i.queue = p_queue and i.state = 'ready'
      order by i.priority desc, i.seq offset v_reach - 1 limit 1
    );
    v_reach := null;
    deep_busy := v_busy;
  end loop;
end $$;`,
  `-- Locks: the queue's, until the commit, which waits for no disk: a lease that a crash forgets can never come back under
-- its id. No row lock that another transaction could hold, so the lock is held for a moment. leases has an element an
-- item, or one for all.
create function sherd_lease_v1(
  p_queue text, p_names text[], p_limit integer, p_lease_ms double precision, p_owner text, p_closed uuid[],
  p_suspect_from integer, p_takes_suspect boolean,
  out ids uuid[], out leases uuid[], out lines text, out unread uuid[], out candidates integer
) language plpgsql volatile
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_revisions integer[];
  v_losses integer[];
  v_is_keyed boolean;
  v_deep_busy text[];
  v_avoided text[] := '{}';
  v_locked text[];
  v_shared uuid := gen_random_uuid();
  v_until timestamp with time zone;
begin
  perform set_config('synchronous_commit', 'off', true);
  perform sherd_lock_v1(p_queue);
  if p_closed <> '{}' then
    delete from sherd_lease where id = any(array(
      select id from sherd_lease where id = any(p_closed) order by id for update skip locked
    ));
  end if;
  loop
    select p.ids, p.revisions, p.losses, p.lines, p.unread, p.candidates, p.is_keyed, p.deep_busy
      into ids, v_revisions, v_losses, lines, unread, candidates, v_is_keyed, v_deep_busy
      from sherd_pick_v1(p_queue, p_names, p_limit, p_suspect_from, p_takes_suspect, v_avoided) p;
    if v_deep_busy is not null then perform sherd_block_v1(p_queue, v_deep_busy, p_limit); end if;
    exit when v_is_keyed is not true or not exists (select from sherd_item i where i.queue = p_queue and i.state = 'blocked');
    v_locked := sherd_unblock_overtaken_v1(p_queue, p_names, ids);
    if v_locked is null then
      perform sherd_unblock_v1(p_queue, array_agg(i.concurrency_key), array_agg(i.name)) from sherd_item i
        where i.id = any(ids) and i.concurrency_key is not null;
      exit;
    end if;
    v_avoided := v_avoided || v_locked;
  end loop;
  if ids = '{}' then return; end if;
  if lines is null then
    unread := ids;
    lines := (select string_agg(sherd_unread_v1(u.id, u.revision), e'\x1e' order by u.n)
      from unnest(ids, v_revisions) with ordinality as u(id, revision, n));
  end if;

  v_until := clock_timestamp() + p_lease_ms * interval '1 millisecond';
  if v_losses is null then
    leases := array[v_shared];
    insert into sherd_lease (id, queue, owner, expires_at, items, revisions)
      values (v_shared, p_queue, p_owner, v_until, ids, v_revisions);
    return;
  end if;
  select array_agg(case when u.lost = 0 then v_shared else gen_random_uuid() end order by u.n) into leases
    from unnest(v_losses) with ordinality as u(lost, n);
  insert into sherd_lease (id, queue, owner, expires_at, items, revisions)
    select u.lease, p_queue, p_owner, v_until, array_agg(u.id order by u.n), array_agg(u.revision order by u.n)
    from unnest(leases, ids, v_revisions) with ordinality as u(lease, id, revision, n) group by u.lease;
end $$;`,
  `-- The lines of items that were left to be read. Takes no locks. Index: sherd_item_pkey.
create function sherd_read_claimed_v1(p_ids uuid[]) returns text language plpgsql stable
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return (select string_agg(sherd_line_v1(i), e'\x1e') from sherd_item i where i.id = any(p_ids) and i.state <> 'done');
end $$;`,
  `-- Leases items, and reads what the pick has left once the queue's lock is released: a client that stops reading its bodies must
-- hold up no other. Meanwhile they may be replaced, or asked to stop. Two transactions in one round trip, so it cannot be called
-- inside of one.
create procedure sherd_claim_v1(
  p_queue text, p_names text[], p_limit integer, p_lease_ms double precision, p_owner text, p_closed uuid[],
  p_suspect_from integer, p_takes_suspect boolean, inout claimed text default null
) language plpgsql as $$
declare
  v_lease record;
  v_rest text;
  v_state text;
  v_message text;
begin
  select * into v_lease from sherd_lease_v1(
    p_queue, p_names, p_limit, p_lease_ms, p_owner, p_closed, p_suspect_from, p_takes_suspect);
  commit;
  begin
    if v_lease.unread <> '{}' then v_rest := sherd_read_claimed_v1(v_lease.unread); end if;
    claimed := concat_ws(e'\x1d', json_build_array(v_lease.candidates, v_lease.leases), coalesce(v_lease.lines, ''), coalesce(v_rest, ''));
    -- As the limit of the server itself, of a gigabyte: the caller claims fewer.
    if octet_length(claimed) > 67108864 and cardinality(v_lease.ids) > 1 then
      raise exception 'The bodies of % items are too large for one answer', cardinality(v_lease.ids) using errcode = '54000';
    end if;
  exception when query_canceled or others then
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
  end;
  if v_state is not null then
    -- Nothing was begun, so nothing may be counted as lost.
    delete from sherd_lease where id = any(v_lease.leases);
    commit;
    raise exception using errcode = v_state, message = v_message;
  end if;
end $$;`,
  `-- Takes no locks. Index: those of sherd_pick_v1, sherd_item_timed, sherd_lease_queue.
create function sherd_next_wake_v1(p_queue text, p_names text[]) returns double precision language plpgsql volatile
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_at timestamp with time zone;
  v_ids uuid[];
  v_is_keyed boolean;
begin
  select p.ids, p.is_keyed into v_ids, v_is_keyed from sherd_pick_v1(p_queue, p_names, 1, 2147483647, true, '{}') p;
  if v_ids <> '{}' then
    -- What is before it may be locked, in which case no claim can help before that transaction ends.
    return case when v_is_keyed and exists (select from sherd_overtaken_v1(p_queue, p_names, v_ids)) then 50 else 0 end;
  end if;
  v_at := least(
    (select i.at from sherd_item i where i.queue = p_queue and i.state = 'timed' order by i.at limit 1),
    (select min(l.expires_at) from sherd_lease l where l.queue = p_queue)
  );
  return case when v_at is null then null when v_at <= clock_timestamp() then 0
    else greatest(1, ceil(extract(epoch from v_at - clock_timestamp()) * 1000)) end;
end $$;`,
];
