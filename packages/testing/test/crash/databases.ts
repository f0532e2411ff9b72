/** Databases for processes that share one: a file each, or one of a server. */
import { copyFile, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { migrate } from "@sherd/core";
import { eventually } from "../../src/eventually.ts";
import postgres from "postgres";
import { openShop } from "./shop.ts";

export interface Databases {
  readonly kind: "SQLite" | "PostgreSQL";
  /** Run `body` on a database with the shop's tables and no rows, or without any table. */
  use<T>(body: (location: string) => Promise<T>, isEmpty?: boolean): Promise<T>;
  /** Resolves when the database has seen that the processes that used it are gone. */
  released(location: string): Promise<void>;
  remove(): Promise<void>;
}

export async function sqliteDatabases(parent: string): Promise<Databases> {
  const folder = await mkdtemp(join(parent, "sqlite-"));
  const template = join(folder, "template.db");
  await migrateAt(template, join(folder, "journal"));
  return {
    kind: "SQLite",
    async use(body, isEmpty = false) {
      const location = join(folder, `${crypto.randomUUID()}.db`);
      if (!isEmpty) await copyFile(template, location);
      return body(location);
    },
    // The operating system let go of the locks with the process.
    released: async () => {},
    // With the folder that it is in.
    remove: async () => {},
  };
}

const clear = {
  migrated: "truncate sherd_item, sherd_lease, sherd_history, orders_order, orders_effect",
  empty: "drop schema public cascade; create schema public",
};

export async function postgresDatabases(serverUrl: string, parent: string): Promise<Databases> {
  const server = postgres(serverUrl, { max: 1, onnotice: () => {} });
  const prefix = `crash_${crypto.randomUUID().slice(0, 8)}`;
  const made: string[] = [];
  const free = { migrated: [] as string[], empty: [] as string[] };
  const create = async (template: string) => {
    const location = new URL(serverUrl);
    location.pathname = `${prefix}_${made.length}`;
    made.push(nameOf(location.href));
    await server.unsafe(`create database ${nameOf(location.href)} template ${template}`);
    return location.href;
  };
  const released = async (location: string) => {
    const users = () => server`select pid from pg_stat_activity where datname = ${nameOf(location)}`;
    await eventually(async () => (await users()).length === 0, { withinMs: 10_000 });
  };
  const template = await create("template1");
  await migrateAt(template, join(parent, "template-journal"));
  await released(template);
  return {
    kind: "PostgreSQL",
    async use(body, isEmpty = false) {
      const kind = isEmpty ? "empty" : "migrated";
      const location = free[kind].pop() ?? (await create(isEmpty ? "template1" : nameOf(template)));
      const answer = await body(location);
      const client = postgres(location, { max: 1, onnotice: () => {} });
      await client.unsafe(clear[kind]);
      await client.end();
      free[kind].push(location);
      return answer;
    },
    released,
    async remove() {
      for (const name of made) await server.unsafe(`drop database if exists ${name} with (force)`);
      await server.end();
    },
  };
}

function nameOf(location: string): string {
  return new URL(location).pathname.slice(1);
}

async function migrateAt(location: string, journal: string): Promise<void> {
  const { fragment, close } = openShop({ location, journal });
  await migrate(fragment);
  await close();
}
