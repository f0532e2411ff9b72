// Inlined from 0007_block.sql; `vitest -u` writes it anew.
export const block: readonly string[] = [
  `-- How many ready items a claim of p_limit looks at before it calls the walk deep: all that are held, one of each busy key,
-- and more. Tests put a smaller number in its place.
create function sherd_reach_v1(p_limit integer, p_known integer) returns integer language sql immutable as $$
  select 2 * p_limit + p_known + 200
$$;`,
  `-- How many ready items one claim moves out of the way of the next ones at most, about: so many more milliseconds it takes
-- as thousands.
create function sherd_batch_v1() returns integer language sql immutable as $$ select 2000 $$;`,
  `-- Blocks the first ready items of busy keys, but for the first one of each key and name, which leads the others: a
-- processor that does not know its name must find those of names that it knows. Items that were lost stay where suspects
-- are looked for. The caller has the queue's lock, so that none of them is held or cancelled meanwhile. Locks: the
-- items, SKIP LOCKED, and only as they were seen: one that a user's transaction replaces leads nobody. Index:
-- sherd_item_ready in order, sherd_item_pkey.
create function sherd_block_v1(p_queue text, p_busy text[], p_limit integer) returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_held uuid[] := array(select h.id from sherd_lease l cross join unnest(l.items) as h(id) where l.queue = p_queue);
  v_reach integer := sherd_reach_v1(p_limit, cardinality(v_held) + cardinality(p_busy)) + sherd_batch_v1();
  v_ids uuid[];
  v_revisions integer[];
  v_leaders uuid[];
  v_leading uuid[];
begin
  select array_agg(w.id), array_agg(w.revision), array_agg(w.leader) into v_ids, v_revisions, v_leaders from (
    select i.id, i.revision, i.lost, first_value(i.id) over of_name as leader
    from (
      select * from sherd_item r where r.queue = p_queue and r.state = 'ready' order by r.priority desc, r.seq limit v_reach
    ) i
    where i.concurrency_key in (select b.key from unnest(p_busy) as b(key))
      and i.id not in (select h.id from unnest(v_held) as h(id))
    window of_name as (partition by i.concurrency_key, i.name order by i.priority desc, i.seq)
  ) w where w.lost = 0 or w.id = w.leader;

  v_leading := array(
    select i.id from unnest(v_ids, v_revisions, v_leaders) as w(id, revision, leader) join sherd_item i on i.id = w.id
    where w.id = w.leader and i.state = 'ready' and i.revision = w.revision
    for no key update of i skip locked
  );
  with rest as materialized (
    select i.id from unnest(v_ids, v_revisions, v_leaders) as w(id, revision, leader) join sherd_item i on i.id = w.id
    where w.id <> w.leader and w.leader = any(v_leading) and i.state = 'ready' and i.revision = w.revision
    for no key update of i skip locked
  ), marked as (
    update sherd_item i set gate = 'leads'
    where i.id = any(v_leading) and i.gate is distinct from 'leads' and exists (select from rest)
  )
  update sherd_item i set state = 'blocked', gate = null where i.id = any(array(select r.id from rest r));
end $$;`,
  `-- Makes the first blocked item of each of these keys and names ready; that they are few keeps the walk of claims short.
-- What led them may go then: between it and the other blocked ones there is one that is ready. Locks: those items, SKIP
-- LOCKED: for one that a user's transaction replaces, the next one. Index: sherd_item_blocked.
create function sherd_unblock_v1(p_queue text, p_keys text[], p_names text[]) returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  update sherd_item set state = 'ready', gate = 'leads' where id = any(array(
    select b.id from unnest(p_keys, p_names) as g(key, name) cross join lateral (
      select i.id from sherd_item i
      where i.queue = p_queue and i.state = 'blocked' and i.concurrency_key = g.key and i.name = g.name
      order by i.priority desc, i.seq limit 1 for no key update skip locked
    ) b
  ));
end $$;`,
  `-- The blocked items that come before one of these of the same key, which no claim leaves behind, but a transaction that had
-- them locked meanwhile may. Of names that are known: others do not keep a key busy. Takes no locks. Index:
-- sherd_item_pkey, sherd_item_blocked, of which one that is not behind blocked ones costs one look.
create function sherd_overtaken_v1(p_queue text, p_names text[], p_ids uuid[]) returns table (id uuid, key text)
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return query select b.id, c.concurrency_key from sherd_item c
    cross join lateral (
      select from sherd_item i where i.queue = p_queue and i.state = 'blocked' and i.concurrency_key = c.concurrency_key limit 1
    ) any_name
    cross join unnest(p_names) as known(name)
    cross join lateral (
      select i.id, i.priority, i.seq from sherd_item i
      where i.queue = p_queue and i.state = 'blocked' and i.concurrency_key = c.concurrency_key and i.name = known.name
      order by i.priority desc, i.seq limit 1
    ) b
    where c.id = any(p_ids) and (b.priority > c.priority or b.priority = c.priority and b.seq < c.seq);
end $$;`,
  `-- Makes them ready; answers the keys of those that another transaction has locked, so that their turn has not come, and
-- null when there are none at all. Locks: those items, SKIP LOCKED.
create function sherd_unblock_overtaken_v1(p_queue text, p_names text[], p_ids uuid[]) returns text[] language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_ids uuid[];
  v_keys text[];
  v_unblocked uuid[];
begin
  select array_agg(o.id), array_agg(o.key) into v_ids, v_keys from sherd_overtaken_v1(p_queue, p_names, p_ids) o;
  if v_ids is null then return null; end if;
  v_unblocked := array(
    select i.id from sherd_item i where i.id = any(v_ids) and i.state = 'blocked' for no key update skip locked
  );
  update sherd_item set state = 'ready', gate = 'leads' where id = any(v_unblocked);
  return array(select u.key from unnest(v_ids, v_keys) as u(id, key) where u.id <> all(v_unblocked));
end $$;`,
  `-- The keys and names that have blocked items, of one key or of all, each with the first of them. Takes no locks. Index:
-- sherd_item_blocked, which is looked into once for each.
create function sherd_blocked_v1(p_queue text, p_key text) returns table (key text, name text, priority integer, seq bigint)
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan
as $$
begin
  return query with recursive head as (
    select f.* from (
      select i.concurrency_key, i.name, i.priority, i.seq from sherd_item i
      where i.queue = p_queue and i.state = 'blocked' and i.concurrency_key >= coalesce(p_key, '')
      order by i.concurrency_key, i.name, i.priority desc, i.seq limit 1
    ) f where p_key is null or f.concurrency_key = p_key
    union all
    select n.* from head h cross join lateral (
      select i.concurrency_key, i.name, i.priority, i.seq from sherd_item i
      where i.queue = p_queue and i.state = 'blocked' and (i.concurrency_key, i.name) > (h.concurrency_key, h.name)
      order by i.concurrency_key, i.name, i.priority desc, i.seq limit 1
    ) n where p_key is null or n.concurrency_key = p_key
  ) select * from head;
end $$;`,
  `-- Makes the first blocked item ready of each key and name that nothing leads any more, since two transactions each counted
-- on what the other took away. A key that is busy meanwhile has what leads it as well. One look into an index where nothing is blocked, and
-- two for each key and name with blocked items. Locks: see sherd_unblock_v1. Index: sherd_item_blocked, sherd_item_leading.
create function sherd_unblock_stuck_v1(p_queue text) returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_keys text[];
  v_names text[];
begin
  select array_agg(b.key), array_agg(b.name) into v_keys, v_names from sherd_blocked_v1(p_queue, null) b
  where not exists (
    select from sherd_item l
    where l.queue = p_queue and l.state = 'ready' and l.gate = 'leads' and l.concurrency_key = b.key and l.name = b.name
      and (l.priority > b.priority or l.priority = b.priority and l.seq < b.seq)
  );
  if v_keys is not null then perform sherd_unblock_v1(p_queue, v_keys, v_names); end if;
end $$;`,
];
