import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";

export interface DemoDatabase {
  readonly name: string;
  /** What the example's processes need to find it. */
  readonly env: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

/** A place of this run's own: a schema where `DATABASE_URL` leads, or else a file of SQLite. */
export async function openDemoDatabase(): Promise<DemoDatabase> {
  const { DATABASE_URL } = process.env;
  return DATABASE_URL ? postgresSchema(DATABASE_URL) : sqliteFile();
}

async function sqliteFile(): Promise<DemoDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "sherd-webhooks-"));
  return {
    name: "SQLite",
    env: { SQLITE_FILE: join(directory, "orders.db") },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

async function postgresSchema(databaseUrl: string): Promise<DemoDatabase> {
  const schema = `sherd_webhooks_${process.pid}_${Date.now()}`;
  const execute = async (statement: string) => {
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    await sql.unsafe(statement).finally(() => sql.end());
  };
  await execute(`create schema ${schema}`);
  const url = new URL(databaseUrl);
  url.searchParams.set("search_path", schema);
  return {
    name: "PostgreSQL",
    env: { DATABASE_URL: url.href },
    remove: () => execute(`drop schema ${schema} cascade`),
  };
}
