import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createClient, type Client } from "@libsql/client";
import { describeAdapter } from "@sherd/testing";
import { drizzle } from "drizzle-orm/libsql";
import { sqliteAdapter } from "../src/index.ts";

describeAdapter({
  name: "node:sqlite in memory",
  async create() {
    const adapter = sqliteAdapter(":memory:");
    return { adapter, close: () => adapter.close() };
  },
});

describeAdapter({
  name: "node:sqlite in memory, opened by the caller, by a clock of the test's",
  async create() {
    const database = new DatabaseSync(":memory:");
    let nowMs = Date.now();
    const now = () => nowMs;
    const adapter = sqliteAdapter(database, { clock: { now } });
    return {
      adapter,
      clock: {
        now,
        async advance(ms) {
          nowMs += ms;
        },
      },
      async close() {
        await adapter.close();
        database.close();
      },
    };
  },
});

describeAdapter({
  name: "node:sqlite in a file",
  async create() {
    const { path, remove } = await freshFile();
    const adapter = sqliteAdapter(path);
    return {
      adapter,
      another: async () => sqliteAdapter(path),
      async close() {
        await adapter.close();
        await remove();
      },
    };
  },
});

describeAdapter({
  name: "libsql in a file",
  async create() {
    const { path, remove } = await freshFile();
    const clients: Client[] = [];
    const open = () => {
      const client = createClient({ url: `file:${path}` });
      clients.push(client);
      return sqliteAdapter(drizzle({ client }));
    };
    const adapter = open();
    return {
      adapter,
      another: async () => open(),
      async close() {
        await adapter.close();
        for (const client of clients) client.close();
        await remove();
      },
    };
  },
});

async function freshFile(): Promise<{ path: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "sherd-conformance-"));
  return { path: join(directory, "app.db"), remove: () => rm(directory, { recursive: true }) };
}
