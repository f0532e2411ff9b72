/** What comes between a claim's lease and its bodies. */
import type { ClaimedItem } from "@sherd/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDatabase, drivers, type Opened } from "./databases.ts";
import { claim, completed, enqueue, newItem, signal } from "./queues.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let opened: Opened;
let between: (() => Promise<unknown>) | null = null;

beforeAll(async () => {
  database = await createDatabase();
  opened = drivers["postgres.js"](database.url, {
    listen: false,
    async onStatement({ statement, phase }) {
      if (statement !== "read-bodies" || phase !== "before") return;
      const once = between;
      between = null;
      await once?.();
    },
  });
  await opened.adapter.migrator.apply([opened.adapter.migrator.kernel]);
});

beforeEach(() => {
  between = null;
});

afterAll(async () => {
  await opened.close();
  await database.drop();
});

test("an item that is replaced in between is not handed out, and waits as its replacement says", async () => {
  const { adapter } = opened;
  const queue = "replaced";
  const [id, mate] = (await enqueue(adapter, queue, { key: "a" }, {})) as [string, string];
  const dueAt = Date.now() + 3_600_000;
  between = () =>
    adapter.transaction((tx) =>
      adapter.storage.enqueue(tx, [newItem(queue, { key: "a", body: "2", dueAt, onConflict: "replace" })]),
    );
  const items = (await claim(adapter, queue)) as [ClaimedItem];
  expect(items.map((item) => item.id)).toEqual([mate]);
  expect(await adapter.storage.get(queue, id)).toMatchObject({
    state: "timed",
    dueAt,
    held: false,
    body: "2",
    attempts: 0,
  });
  expect(await adapter.storage.settle(queue, [completed(items[0])])).toMatchObject([{ result: "settled" }]);
});

test("an item whose cancellation is requested in between ends as cancelled, and its lease with it", async () => {
  const { adapter } = opened;
  const queue = "cancelled";
  const [id] = (await enqueue(adapter, queue, {})) as [string];
  between = async () => expect(await adapter.storage.cancel(queue, id)).toBe("requested");
  expect(await claim(adapter, queue)).toEqual([]);
  expect(await adapter.storage.get(queue, id)).toMatchObject({ outcome: "cancelled", attempts: 0 });
  expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBeNull();
});

test("a claim that cannot read its bodies leaves no lease, and no loss is counted", async () => {
  const { adapter } = opened;
  const queue = "unread";
  await enqueue(adapter, queue, {}, {});
  between = () => Promise.reject(new Error("cut"));
  await expect(claim(adapter, queue)).rejects.toThrow("cut");
  expect(await claim(adapter, queue)).toMatchObject([{ lost: 0 }, { lost: 0 }]);
});

test.each(["url", "postgres.js"] as const)(
  "the kernel's verbs go on while transactions occupy the whole pool, over %s",
  async (driver) => {
    const { adapter, close } = drivers[driver](database.url, { max: 2, listen: false });
    const queue = `occupied/${driver}`;
    await enqueue(adapter, queue, {}, {});
    const release = signal();
    const started = Array.from({ length: 10 }, signal);
    const isOpen = driver === "url" ? started.slice(0, 2) : started;
    const transactions = started.map(({ fire }) =>
      adapter.transaction(() => {
        fire();
        return release.fired;
      }),
    );
    await Promise.all(isOpen.map(({ fired }) => fired));
    const items = (await claim(adapter, queue)) as [ClaimedItem, ClaimedItem];
    const { storage } = adapter;
    expect(await storage.extend(queue, [items[0].lease], 60_000)).toEqual({ gone: [], cancelled: [] });
    expect(await storage.sweep(queue, 10, 3)).toMatchObject({ lost: [] });
    expect(
      await storage.settle(
        queue,
        items.map((item) => completed(item)),
      ),
    ).toHaveLength(2);
    expect(await storage.count(queue)).toMatchObject({ completed: 2 });
    release.fire();
    await Promise.all(transactions);
    await close();
  },
);
