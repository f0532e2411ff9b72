/**
 * What a queue's leases list: parameter 1 is the queue. Few leases list many items, so this reads the whole list
 * once, by `sherd_lease_queue`, and each use of it is one lookup in a temporary tree.
 */
export const heldSql = "SELECT e.value FROM sherd_lease l, json_each(l.items) e WHERE l.queue = ?";

/** The same for `WITH`, where it is used more than once. */
export const withHeld = `
held(seq) AS MATERIALIZED (
  ${heldSql}
)`;

/**
 * The lease that lists the item `i`, its owner and the revision that was claimed, as JSON: parameters none. Reads the
 * leases of the item's queue until one lists it.
 */
export const holderOfItem = `(
  SELECT json_array(l.id, l.owner, coalesce(json_extract(l.revisions, '$."' || i.seq || '"'), 0)) FROM sherd_lease l
  WHERE l.queue = i.queue AND EXISTS (SELECT 1 FROM json_each(l.items) e WHERE e.value = i.seq)
  LIMIT 1
)`;
