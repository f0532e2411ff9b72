import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { migrated, openLibsql, temporaryFile } from "./databases.ts";
import { claim, enqueue, queue } from "./items.ts";

const code = (value: string) => expect.objectContaining({ code: value });

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  onTestFinished(() => {
    if (database.isOpen) database.close();
  });
  return database;
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

describe("options", () => {
  test.each([
    ["database", () => sqliteAdapter("")],
    ["database", () => sqliteAdapter({} as DatabaseSync)],
    ["synchronous", () => sqliteAdapter(":memory:", { synchronous: "FULL" as "full" })],
    ["busyTimeoutMs", () => sqliteAdapter(":memory:", { busyTimeoutMs: -1 })],
    ["clock", () => sqliteAdapter(":memory:", { clock: {} as { now(): number } })],
    ["onStatement", () => sqliteAdapter(":memory:", { onStatement: 1 as unknown as () => void })],
  ])("a wrong `%s` fails at once", (option, make) => {
    expect(make).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });

  test("`synchronous` is refused for libsql, whose connections are not the adapter's", async () => {
    const db = await openLibsql(":memory:");
    expect(() => sqliteAdapter(db, { synchronous: "full" })).toThrow(code("INVALID_OPTION"));
  });

  test("the clock decides what is due", async () => {
    let now = 1_000_000;
    const adapter = await migrated(":memory:", { clock: { now: () => now } });
    await enqueue(adapter, { dueAt: now + 5_000 });
    expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBe(5_000);
    now += 5_000;
    expect(await adapter.storage.sweep(queue, 10, 3)).toMatchObject({ promoted: 1 });
  });
});

describe("a file", () => {
  test("is made at the first call, in WAL mode, and closed with the adapter", async () => {
    const path = temporaryFile();
    const adapter = sqliteAdapter(path);
    await adapter.migrator.apply([adapter.migrator.kernel]);
    expect(pragma(open(path), "journal_mode")).toBe("wal");
    await adapter.close();
    await adapter.close();
    await expect(adapter.storage.count(queue)).rejects.toThrow(code("DATABASE_UNAVAILABLE"));
  });

  test("that cannot be opened fails the call, and the next call tries again", async () => {
    const adapter = sqliteAdapter("/nowhere/at/all.db");
    await expect(adapter.storage.count(queue)).rejects.toThrow(code("DATABASE_UNAVAILABLE"));
    await expect(adapter.storage.count(queue)).rejects.toThrow(code("DATABASE_UNAVAILABLE"));
  });

  test("without tables says how to make them", async () => {
    const adapter = sqliteAdapter(temporaryFile());
    onTestFinished(() => adapter.close());
    await expect(claim(adapter)).rejects.toThrow(/await migrate\(fragment\)/);
    await expect(adapter.storage.get(queue, "x")).rejects.toThrow(code("NOT_MIGRATED"));
  });

  test("that is full fails the write and keeps nothing of its transaction", async () => {
    const database = open(temporaryFile());
    const adapter = await migrated(database);
    const pages = Number(pragma(database, "page_count"));
    database.exec(`PRAGMA max_page_count = ${pages + 4}`);
    const body = JSON.stringify("x".repeat(100_000));
    await expect(enqueue(adapter, { body: "1" }, { body })).rejects.toThrow(code("DATABASE_UNAVAILABLE"));
    database.exec(`PRAGMA max_page_count = ${pages + 1000}`);
    await enqueue(adapter, { body: "2" });
    expect((await claim(adapter)).items.map((item) => item.body)).toEqual(["2"]);
  });
});

describe("a DatabaseSync of the caller's", () => {
  test("keeps its settings and stays open", async () => {
    const database = open(temporaryFile());
    database.exec("PRAGMA busy_timeout = 1234");
    const adapter = await migrated(database);
    await enqueue(adapter, {});
    await adapter.close();
    expect(pragma(database, "journal_mode")).toBe("delete");
    expect(pragma(database, "synchronous")).toBe(2);
    expect(pragma(database, "busy_timeout")).toBe(1234);
  });

  test("is shared by two adapters, neither of which gets into the other's transaction", async () => {
    const database = open(":memory:");
    const [one, two] = [await migrated(database), sqliteAdapter(database)];
    await Promise.all([one, two].map((adapter) => enqueue(adapter, {})));
    const nested = one.transaction(() => claim(two));
    await expect(nested).rejects.toThrow(code("NESTED_TRANSACTION"));
    expect((await claim(two)).items).toHaveLength(2);
  });

  test("outside WAL, a commit waits for a reader without blocking and without losing the transaction", async () => {
    const path = temporaryFile();
    const adapter = await migrated(open(path), { busyTimeoutMs: 2_000 });
    const reader = open(path);
    reader.exec("BEGIN");
    reader.prepare("SELECT * FROM sherd_item").all();
    const written = enqueue(adapter, {});
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    reader.exec("COMMIT");
    await written;
    expect((await claim(adapter)).items).toHaveLength(1);
  });
});

describe("a lock that another connection holds", () => {
  // Two copies of SQLite in one process do not see each other's locks, so each driver meets its own.
  const drivers = {
    "node:sqlite": (path: string) => {
      const other = open(path);
      other.exec("BEGIN IMMEDIATE");
      return { database: path, release: async () => other.exec("COMMIT") };
    },
    "a DatabaseSync that would block": (path: string) => {
      const [database, other] = [open(path), open(path)];
      database.exec("PRAGMA busy_timeout = 60000");
      other.exec("BEGIN IMMEDIATE");
      return { database, release: async () => other.exec("COMMIT") };
    },
    libsql: async (path: string) => {
      const other = await (await openLibsql(path)).$client.transaction("write");
      return { database: await openLibsql(path), release: () => other.commit() };
    },
  };

  test.each(Object.entries(drivers))(
    "is waited for without blocking the event loop, on %s",
    async (_, lock) => {
      const path = temporaryFile();
      await (await migrated(path)).close();
      const { database, release } = await lock(path);
      const adapter = sqliteAdapter(database);
      const enqueued = enqueue(adapter, {});
      let isEnqueued = false;
      void enqueued.then(() => (isEnqueued = true));
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(isEnqueued).toBe(false);
      await release();
      await enqueued;
      expect((await claim(adapter)).items).toHaveLength(1);
      await adapter.close();
    },
  );

  test.each(Object.entries(drivers))(
    "fails the call after `busyTimeoutMs`, and no later one, on %s",
    async (_, lock) => {
      const path = temporaryFile();
      await (await migrated(path)).close();
      const { database, release } = await lock(path);
      const adapter = sqliteAdapter(database, { busyTimeoutMs: 30 });
      await expect(claim(adapter)).rejects.toThrow(code("DATABASE_BUSY"));
      await expect(adapter.transaction(async () => "never")).rejects.toThrow(code("DATABASE_BUSY"));
      await release();
      await enqueue(adapter, {});
      expect((await claim(adapter)).items).toHaveLength(1);
      await adapter.close();
    },
  );
});

describe("a busy adapter", () => {
  test("lets timers run between statements that never wait", async () => {
    const adapter = await migrated(":memory:");
    let hasRun = false;
    setTimeout(() => (hasRun = true), 0);
    for (let calls = 0; calls < 50_000 && !hasRun; calls++) await adapter.storage.count(queue);
    expect(hasRun).toBe(true);
  });
});
