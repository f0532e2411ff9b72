/** What the peers over node-postgres share: a pool, a transaction, and the user's write in it. */
import { Pool, type PoolClient } from "pg";
import type { Order } from "../system.ts";

export function openPool(connectionString: string, max: number): Pool {
  const pool = new Pool({ connectionString, max });
  // Whoever needs the pool next hears of a lost connection; without a listener, Node ends the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

export async function inTransaction<T>(pool: Pool, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const result = await run(client);
    await client.query("commit");
    client.release();
    return result;
  } catch (error) {
    // The client is destroyed: whatever state its transaction is in ends with its connection.
    client.release(true);
    throw error;
  }
}

export async function insertOrder(client: PoolClient, order: Order): Promise<void> {
  await client.query({
    name: "bench_order",
    text: "insert into bench_order (amount, note) values ($1, $2)",
    values: [order.amount, order.note],
  });
}
