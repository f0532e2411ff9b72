import type { System } from "./system.ts";

/** What the database holds and what the receiver really got, compared. */
export interface Counts {
  /** Orders in the database. */
  readonly committed: number;
  /** Of those, orders whose webhook the receiver accepted. */
  readonly delivered: number;
  readonly lost: number;
  /** Orders that the receiver heard of and the database does not hold. */
  readonly leaked: number;
  /** Deliveries that the receiver accepted although it had accepted their idempotency key before. */
  readonly duplicates: number;
  /** Hooks in the database that have completed, and those in any other state. */
  readonly completed: number;
  readonly unfinished: number;
}

export async function count({ fragment, receiver }: System): Promise<Counts> {
  const orders = await fragment.transaction(({ db, tables }) => db.select().from(tables.order));
  const { completed, pending, processing, failed, cancelled } = await fragment.hooks.count();
  const committed = new Set(orders.map(({ id }) => id));
  const heardOf = new Set(receiver.arrivals.map(({ orderId }) => orderId));
  const accepted = new Set(receiver.accepted.map(({ orderId }) => orderId));
  const keys = new Set(receiver.accepted.map(({ idempotencyKey }) => idempotencyKey));
  const delivered = [...committed].filter((id) => accepted.has(id)).length;
  return {
    committed: committed.size,
    delivered,
    lost: committed.size - delivered,
    leaked: [...heardOf].filter((id) => !committed.has(id)).length,
    duplicates: receiver.accepted.length - keys.size,
    completed,
    unfinished: pending + processing + failed + cancelled,
  };
}
