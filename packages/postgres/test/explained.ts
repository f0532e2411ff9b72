/** One database with more than a million items that no statement may look at, and what PostgreSQL says of those that run. */
import type { DatabaseAdapter } from "@sherd/core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { expect } from "vitest";
import { postgresAdapter } from "../src/index.ts";
import { createDatabase } from "./databases.ts";
import { fillMillions } from "./million-items.ts";

export interface Explained<T> {
  readonly answer: T;
  /** Of every statement that ran, also of those inside of functions. */
  readonly plans: string;
}

export interface ExplainedDatabase {
  readonly client: Sql;
  readonly adapter: DatabaseAdapter;
  /** Run `work` for so many items, and assert that it has looked at little else. */
  explain<T>(items: number, work: () => Promise<T>): Promise<Explained<T>>;
  /** The plans since the last look, of statements about which nothing is asserted here. */
  seen(): readonly string[];
  close(): Promise<void>;
}

/** Most of the items are of `queue`, and none that a claim of it may take. */
export async function openExplained(queue: string): Promise<ExplainedDatabase> {
  const database = await createDatabase();
  let explained: string[] = [];
  const client = postgres(database.url, { max: 1, onnotice: ({ message = "" }) => explained.push(message) });
  const adapter = postgresAdapter(drizzle(client), { listen: false });
  await adapter.migrator.apply([adapter.migrator.kernel]);
  await fillMillions(client, queue);
  await client.unsafe("load 'auto_explain'");
  await client.unsafe(`set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
    set auto_explain.log_analyze = on; set auto_explain.log_buffers = on; set auto_explain.log_timing = off;
    set auto_explain.log_level = notice; set client_min_messages = notice`);
  return {
    client,
    adapter,
    async explain(items, work) {
      explained = [];
      const answer = await work();
      const plans = explained.join("\n");
      expectLittleRead(plans, items);
      return { answer, plans };
    },
    seen() {
      const plans = explained;
      explained = [];
      return plans;
    },
    async close() {
      await client.end();
      await database.drop();
    },
  };
}

function expectLittleRead(plans: string, items: number): void {
  expect(plans).not.toMatch(/Seq Scan on sherd_(item|history)/);
  // A plan's root counts what is below it too, also within functions. For an item, a way down four indexes.
  const touched = plans.matchAll(/Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/g);
  for (const [, hit = 0, read = 0] of touched)
    expect(Number(hit) + Number(read)).toBeLessThan(300 + items * 30);
  // What a scan of an index read and threw away, such as what others hold.
  for (const [, removed] of plans.matchAll(/Rows Removed by Filter: (\d+)/g)) {
    expect(Number(removed)).toBeLessThan(1_000);
  }
}
