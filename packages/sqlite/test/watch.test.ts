import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test, vi } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { migrated, temporaryFile } from "./databases.ts";
import { enqueue, queue } from "./items.ts";

test("a watcher that first met a lock reports it once, and notices commits when the lock is gone", async () => {
  const path = temporaryFile();
  const writer = await migrated(path);
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  const adapter = sqliteAdapter(database, { busyTimeoutMs: 10 });
  onTestFinished(() => adapter.close());
  const wake = vi.fn<() => void>();
  const onError = vi.fn<(error: unknown) => void>();
  database.exec("BEGIN");
  await adapter.notifier.subscribe(queue, wake, onError);
  expect(onError).toHaveBeenCalledTimes(1);
  database.exec("COMMIT");
  await vi.waitFor(() => expect(wake).toHaveBeenCalledWith("work"), { timeout: 5_000, interval: 5 });
  wake.mockClear();
  await enqueue(writer, {});
  await vi.waitFor(() => expect(wake).toHaveBeenCalledWith("work"), { timeout: 5_000, interval: 5 });
  expect(onError).toHaveBeenCalledTimes(1);
});
