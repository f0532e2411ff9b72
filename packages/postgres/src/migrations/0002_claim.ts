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
  `-- The first p_limit ready items that no lease lists and whose concurrency key is free. Takes no locks; each statement
-- sees a snapshot of its own, so a caller that holds the queue's lock gets an exact answer. Index: sherd_item_ready
-- in order; the held ids are a constant array, which is hashed. Suspects, lost p_suspect_from times or more, come one
-- at most, or none. candidates counts before keys and suspects are made unique.
create function sherd_pick_v1(
  p_queue text, p_names text[], p_limit integer, p_suspect_from integer, p_takes_suspect boolean,
  out ids uuid[], out revisions integer[], out losses integer[], out candidates integer
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
as $$
declare
  v_held uuid[];
  v_keys text[];
  v_lost_below integer := case when p_takes_suspect then 2147483647 else p_suspect_from end;
begin
  select coalesce(array_agg(h.id), '{}') into v_held
    from sherd_lease l cross join unnest(l.items) as h(id) where l.queue = p_queue;

  execute $pick$
    select coalesce(array_agg(c.id), '{}'), array_agg(c.revision), array_agg(c.concurrency_key), array_agg(c.lost) from (
      select id, revision, concurrency_key, lost from sherd_item
      where queue = $1 and state = 'ready' and name = any($2) and id <> all($3) and lost < $5
      order by priority desc, seq limit $4
    ) c
  $pick$ into ids, revisions, v_keys, losses using p_queue, p_names, v_held, p_limit, v_lost_below;
  candidates := cardinality(ids);
  if coalesce(array_remove(v_keys, null), '{}') <> '{}' then
    select * into ids, revisions, v_keys, losses from sherd_pick_keyed_v1(p_queue, p_names, p_limit, v_lost_below, v_held);
    candidates := cardinality(ids);
  elsif p_suspect_from > all(losses) then
    return;
  end if;

  select coalesce(array_agg(f.id order by f.n), '{}'), array_agg(f.revision order by f.n), array_agg(f.lost order by f.n)
    into ids, revisions, losses from (
    select k.*, row_number() over (partition by k.lost >= p_suspect_from order by k.n) as nth from (
      select c.*, row_number() over (partition by c.key order by c.n) as nth_of_key
      from unnest(ids, revisions, v_keys, losses) with ordinality as c(id, revision, key, lost, n)
    ) k where k.key is null or k.nth_of_key = 1
  ) f where f.lost < p_suspect_from or f.nth = 1;
end $$;`,
  `-- The pick where concurrency keys are in use: without the items whose key is busy. Index: sherd_item_pkey for what is
-- held, sherd_item_retrying for what waits for its retry, sherd_item_suspect for what others must not overtake although it
-- is left out, then sherd_item_ready in order.
create function sherd_pick_keyed_v1(
  p_queue text, p_names text[], p_limit integer, p_lost_below integer, p_held uuid[],
  out ids uuid[], out revisions integer[], out keys text[], out losses integer[]
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
as $$
declare
  v_busy text[];
begin
  execute $busy$
    select coalesce(array_agg(distinct b.concurrency_key), '{}') from (
      select concurrency_key from sherd_item
      where id = any($1) and state <> 'done' and concurrency_key is not null
      union all
      select concurrency_key from sherd_item
      where queue = $2 and state = 'timed' and concurrency_key is not null and failures + lost > 0
        and not release_key_on_retry
      union all
      select concurrency_key from sherd_item
      where queue = $2 and state = 'ready' and concurrency_key is not null and lost > 0 and lost >= $3
    ) b
  $busy$ into v_busy using p_held, p_queue, p_lost_below;

  execute $pick$
    select coalesce(array_agg(c.id), '{}'), array_agg(c.revision), array_agg(c.concurrency_key), array_agg(c.lost) from (
      select id, revision, concurrency_key, lost from sherd_item
      where queue = $1 and state = 'ready' and name = any($2) and id <> all($3) and lost < $5
        and (concurrency_key is null or concurrency_key <> all($6))
      order by priority desc, seq limit $4
    ) c
  $pick$ into ids, revisions, keys, losses using p_queue, p_names, p_held, p_limit, p_lost_below, v_busy;
end $$;`,
  `-- Locks: the queue's, until the commit, which waits for no disk: a lease that a crash forgets can never come back under
-- its id. No row lock that another transaction could hold, and no body is sent, so the lock is held for a moment.
create function sherd_claim_v1(
  p_queue text, p_names text[], p_limit integer, p_lease_ms double precision, p_owner text, p_closed uuid[],
  p_suspect_from integer, p_takes_suspect boolean,
  out ids text, out revisions text, out leases text, out candidates integer
) language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_ids uuid[];
  v_revisions integer[];
  v_losses integer[];
  v_leases uuid[];
  v_shared uuid := gen_random_uuid();
begin
  perform set_config('synchronous_commit', 'off', true);
  perform sherd_lock_v1(p_queue);
  if p_closed <> '{}' then
    delete from sherd_lease where id in (
      select id from sherd_lease where id = any(p_closed) order by id for update skip locked
    );
  end if;
  select p.ids, p.revisions, p.losses, p.candidates into v_ids, v_revisions, v_losses, candidates
    from sherd_pick_v1(p_queue, p_names, p_limit, p_suspect_from, p_takes_suspect) p;

  select array_agg(case when u.lost = 0 then v_shared else gen_random_uuid() end order by u.n) into v_leases
    from unnest(v_losses) with ordinality as u(lost, n);
  insert into sherd_lease (id, queue, owner, expires_at, items, revisions)
    select u.lease, p_queue, p_owner, clock_timestamp() + p_lease_ms * interval '1 millisecond',
      array_agg(u.id order by u.n), array_agg(u.revision order by u.n)
    from unnest(v_leases, v_ids, v_revisions) with ordinality as u(lease, id, revision, n) group by u.lease;
  ids := v_ids::text;
  revisions := v_revisions::text;
  leases := v_leases::text;
end $$;`,
  `-- Takes no locks. Index: those of sherd_pick_v1, sherd_item_timed, sherd_lease_queue.
create function sherd_next_wake_v1(p_queue text, p_names text[]) returns double precision language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  v_at timestamp with time zone;
begin
  if (select p.ids <> '{}' from sherd_pick_v1(p_queue, p_names, 1, 2147483647, true) p) then return 0; end if;
  v_at := least(
    (select i.at from sherd_item i where i.queue = p_queue and i.state = 'timed' order by i.at limit 1),
    (select min(l.expires_at) from sherd_lease l where l.queue = p_queue)
  );
  return case when v_at is null then null when v_at <= clock_timestamp() then 0
    else greatest(1, ceil(extract(epoch from v_at - clock_timestamp()) * 1000)) end;
end $$;`,
];
