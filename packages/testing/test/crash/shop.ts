/** One process of the application: the database opened, the fragment over it, and what the process writes down for itself. */
import { appendFileSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import {
  createDurableHooksProcessor,
  type Database,
  type DatabaseAdapter,
  type DurableHooksOptions,
  type DurableHooksProcessor,
  migrate,
  type StatementObserver,
} from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { drizzle as drizzlePostgres } from "drizzle-orm/postgres-js";
import { drizzle as drizzleProxy } from "drizzle-orm/sqlite-proxy";
import postgres from "postgres";
import { type Order, openOrders, type Orders, type Wait } from "./orders.ts";

export interface ShopOptions {
  /** A path, or the URL of a PostgreSQL database. */
  readonly location: string;
  /** The file in which it writes down what it was told: what a process remembers survives its death there. */
  readonly journal: string;
  readonly onStatement?: StatementObserver;
  /** Default: one with connections of its own, made for `location`. */
  readonly adapter?: DatabaseAdapter;
  readonly durableHooks?: DurableHooksOptions;
  readonly wait?: Wait;
  readonly inTransaction?: (db: Database) => Promise<void>;
  readonly onError?: (error: unknown) => void;
}

export interface Shop {
  readonly adapter: DatabaseAdapter;
  readonly fragment: Orders;
  readonly processor: DurableHooksProcessor;
  migrate(): Promise<void>;
  /** Place orders, and write down the hooks once the commit was heard of. */
  place(...orders: readonly Order[]): Promise<readonly string[]>;
  /** Place orders in a drizzle transaction of the application's own, on a connection of its own. */
  placeWithin(orders: readonly Order[], fails?: boolean): Promise<void>;
  /** Put a word into the journal. */
  note(word: string): void;
  close(): Promise<void>;
}

const nothing = async () => {};

export function openShop({
  location,
  journal,
  onStatement,
  durableHooks = {},
  wait = nothing,
  inTransaction = nothing,
  onError,
  ...given
}: ShopOptions): Shop {
  const adapter = given.adapter ?? openAdapter(location, onStatement === undefined ? {} : { onStatement });
  const fragment = openOrders(
    adapter,
    { wait, inTransaction },
    { durableHooks, ...(onError && { onError }) },
  );
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The fragment has a hook.");
  const note = (word: string) => appendFileSync(journal, `${word}\n`);
  const promise = (ids: readonly string[]) => ids.forEach((id) => note(`promised ${id}`));
  return {
    adapter,
    fragment,
    processor,
    note,
    migrate: async () => void (await migrate(fragment)),
    async place(...orders) {
      const ids = await fragment.services.place(orders);
      promise(ids);
      return ids;
    },
    async placeWithin(orders, fails = false) {
      const say = async (statement: string, phase: "before" | "after") =>
        onStatement?.({ verb: "application", statement, phase });
      await say("begin", "before");
      const ids = await inOwnTransaction(location, async (tx) => {
        await say("begin", "after");
        const placed = await fragment.within(tx, (uow) => uow.services.place(orders));
        await say(fails ? "rollback" : "commit", "before");
        if (fails) throw new Error("The card was refused.");
        return placed;
      }).catch((error: unknown) => {
        if (!fails) throw error;
        return [];
      });
      await say(fails ? "rollback" : "commit", "after");
      promise(ids);
    },
    close: () => adapter.close(),
  };
}

/** The words that processes have put into a journal. */
export function readJournal(path: string): readonly string[] {
  return readFileSync(path, { encoding: "utf8", flag: "a+" }).split("\n").filter(Boolean);
}

function openAdapter(
  location: string,
  options: { readonly onStatement?: StatementObserver },
): DatabaseAdapter {
  return isServer(location) ? postgresAdapter(location, options) : sqliteAdapter(location, options);
}

function isServer(location: string): boolean {
  return location.startsWith("postgres");
}

async function inOwnTransaction<T>(location: string, run: (tx: object) => Promise<T>): Promise<T> {
  if (isServer(location)) {
    const client = postgres(location, { max: 1, onnotice: () => {} });
    try {
      return await drizzlePostgres(client).transaction((tx) => run(tx));
    } finally {
      await client.end();
    }
  }
  const database = new DatabaseSync(location, { timeout: 5_000 });
  try {
    const db = drizzleProxy(async (text, params, method) => {
      const statement = database.prepare(text);
      statement.setReturnArrays(true);
      const rows = statement.all(...(params as string[]));
      return { rows: (method === "get" ? rows[0] : rows) as unknown[] };
    });
    return await db.transaction((tx) => run(tx));
  } finally {
    database.close();
  }
}
