/** What comes between a claim's lease and its bodies. */
import { randomBytes } from "node:crypto";
import type { ClaimedItem } from "@sherd/core";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, drivers, type Opened } from "./databases.ts";
import { claim, completed, enqueue, newItem, signal } from "./queues.ts";
import { holdUpReading, type Reading } from "./reading.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let opened: Opened;
let reading: Reading;
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase();
  opened = drivers["postgres.js"](database.url, { listen: false });
  await opened.adapter.migrator.apply([opened.adapter.migrator.kernel]);
  reading = await holdUpReading(database.url);
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
});

afterAll(async () => {
  await Promise.all([reading.close(), sql.end(), opened.close()]);
  await database.drop();
});

/** Too large to be read while the queue is locked. */
const large = { body: JSON.stringify("x".repeat(3_000)) };
const leases = async (queue: string) => (await sql`select from sherd_lease where queue = ${queue}`).count;

test("an item that is replaced in between is not handed out, and waits as its replacement says", async () => {
  const { adapter } = opened;
  const queue = "replaced";
  const [id, mate] = (await enqueue(adapter, queue, { ...large, key: "a" }, large)) as [string, string];
  const dueAt = Date.now() + 3_600_000;
  const items = (await reading.between(
    () => claim(adapter, queue),
    () =>
      adapter.transaction((tx) =>
        adapter.storage.enqueue(tx, [newItem(queue, { key: "a", body: "2", dueAt, onConflict: "replace" })]),
      ),
  )) as [ClaimedItem];
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
  const [id] = (await enqueue(adapter, queue, large)) as [string];
  const items = await reading.between(
    () => claim(adapter, queue),
    async () => expect(await adapter.storage.cancel(queue, id)).toBe("requested"),
  );
  expect(items).toEqual([]);
  expect(await adapter.storage.get(queue, id)).toMatchObject({ outcome: "cancelled", attempts: 0 });
  expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBeNull();
});

test("other claims of the queue go on in between, and take what is not leased", async () => {
  const { adapter } = opened;
  const queue = "side by side";
  const ids = await enqueue(adapter, queue, large, large, {});
  const other: string[] = [];
  const items = await reading.between(
    () => claim(adapter, queue, { limit: 2 }),
    async () => {
      const [row] = await sql`select l.ids[1] as id
        from sherd_lease_v1(${queue}, array['deliver'], 10, 60000, 'another', '{}', 3, true) l`;
      other.push(String(row?.["id"]));
    },
  );
  expect([...items.map(({ id }) => id), ...other]).toEqual(ids);
});

test("bodies of every size come with their items, in order", async () => {
  const { adapter } = opened;
  const lengths = [0, 1_900, 1_990, 2_000, 2_010, 2_100, 9_000, 100_000, 1, 1_000_000, 2];
  const random = (length: number) =>
    randomBytes(Math.ceil(length / 2))
      .toString("hex")
      .slice(0, length);
  const bodies = lengths.flatMap((length) => [
    random(length),
    "x".repeat(length),
    "\u001e\u0000é".repeat(length / 3),
  ]);
  const texts = bodies.map((body) => JSON.stringify(body));
  await enqueue(
    adapter,
    "sizes",
    ...texts.map((body, index) => ({ body, trace: index % 2 ? null : "a\u001fb\u001dc" })),
  );
  const items = await claim(adapter, "sizes");
  expect(items.map(({ body }) => body)).toEqual(texts);
  expect(items.map(({ trace }) => trace)).toEqual(
    texts.map((_, index) => (index % 2 ? null : "a\u001fb\u001dc")),
  );
});

test("a claim that cannot read its bodies leaves no lease, and no loss is counted", async () => {
  const { adapter } = opened;
  const queue = "unread";
  await enqueue(adapter, queue, {}, large);
  await sql`alter function sherd_read_claimed_unhindered(uuid[]) rename to sherd_read_claimed_hidden`;
  await sql.unsafe(`create function sherd_read_claimed_unhindered(p_ids uuid[]) returns text language plpgsql as $$
    begin raise exception 'cut' using errcode = 'XX001'; end $$`);
  await expect(claim(adapter, queue)).rejects.toMatchObject({ message: "cut", code: "XX001" });
  expect(await leases(queue)).toBe(0);
  await sql`drop function sherd_read_claimed_unhindered(uuid[])`;
  await sql`alter function sherd_read_claimed_hidden(uuid[]) rename to sherd_read_claimed_unhindered`;
  expect(await claim(adapter, queue)).toMatchObject([{ lost: 0 }, { lost: 0 }]);
});

test("a claim whose bodies are too large for one answer takes fewer, and nothing is lost", async () => {
  const { adapter } = opened;
  const queue = "large";
  const length = 2 ** 26;
  const ids = await enqueue(adapter, queue, {}, {}, {});
  await sql`update sherd_item set body = to_json(repeat('x', ${length})) where id = ${ids[0] ?? ""}`;
  const { storage } = adapter;
  const request = { queue, names: ["deliver"], limit: 3, leaseMs: 60_000, owner: "a worker" };
  const first = await storage.claim(request, []);
  expect(first.items.map(({ id, lost, body }) => [id, lost, body.length])).toEqual([[ids[0], 0, length + 2]]);
  expect(first.more).toBe(true);
  const second = await storage.claim(request, []);
  expect(second.items.map(({ id, lost }) => [id, lost])).toEqual([
    [ids[1], 0],
    [ids[2], 0],
  ]);
  expect(await leases(queue)).toBe(2);
}, 30_000);

test("a claim that is cancelled as it reads leaves none either", async () => {
  const { adapter } = opened;
  const queue = "cancelled claim";
  await enqueue(adapter, queue, {}, large);
  const claiming = reading.between(
    () => claim(adapter, queue),
    async (pid) => {
      expect(await leases(queue)).toBe(1);
      await sql`select pg_cancel_backend(${pid})`;
      await expect.poll(() => leases(queue), { timeout: 5000 }).toBe(0);
    },
  );
  await expect(claiming).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
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
      adapter.transaction(async (tx) => {
        // It takes its connection with its first statement.
        await adapter.storage.wake(queue, ["none"], tx);
        fire();
        await release.fired;
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
