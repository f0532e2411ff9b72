import postgres from "postgres";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../src/eventually.ts";
import type { Child } from "./child.ts";
import { type CrashTest, expectWhole, type Kind, kinds, openCrashTest } from "./open-crash-test.ts";
import { type Order, queue } from "./orders.ts";
import { openProxy } from "./proxy.ts";
import type { Shop } from "./shop.ts";

const soon = { withinMs: 15_000 };
const padding = "x".repeat(100 * 1024);
const order: Order = { act: "record", note: "large", padding };
const durableHooks = { concurrency: 500, leaseMs: 1_000, owner: "the frozen one" };

describe.each(kinds)("on %s, a worker that is frozen in the middle of a claim of 500 large hooks", (kind) => {
  it("keeps nobody from claiming within a second", async () => {
    const test = await openCrashTest(kind);
    const { location, journal, children, open } = test;
    const shop = open();
    for (let batch = 0; batch < 11; batch++) await shop.place(...Array<Order>(50).fill(order));
    const frozen = await freeze[kind](test, shop);
    const startedAt = performance.now();
    const { items } = await shop.adapter.storage.claim(
      { queue, names: ["deliver"], limit: 50, leaseMs: 500, owner: "another one" },
      [],
    );
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(items).toHaveLength(50);
    frozen.signal("SIGKILL");
    await children.work({
      location,
      journal,
      pollIntervalMs: 200,
      durableHooks: { concurrency: 50, leaseMs: 5_000 },
    });
    const { hooks } = await expectWhole(shop, journal);
    expect(hooks.map(({ status }) => status)).toEqual(Array(550).fill("completed"));
  }, 60_000);
});

/** Start a worker, and have it stand still while it reads what it has claimed. */
const freeze: Record<Kind, (test: CrashTest, shop: Shop) => Promise<Child>> = {
  async SQLite({ location, journal, children }, { fragment }) {
    const freezesAt = "claim/read-bodies";
    const worker = await children.work({ location, journal, pollIntervalMs: 200, durableHooks, freezesAt });
    await eventually(async () => (await fragment.hooks.count()).processing === 500, soon);
    return worker;
  },
  async PostgreSQL({ location, journal, children }) {
    const proxy = await openProxy(location);
    onTestFinished(() => proxy.close());
    const halfway = proxy.pauseAfter(1_000_000);
    const worker = await children.work({ location: proxy.url, journal, pollIntervalMs: 200, durableHooks });
    await halfway;
    worker.signal("SIGSTOP");
    proxy.resume();
    const client = postgres(location, { max: 1 });
    onTestFinished(() => client.end());
    // The backend has more to send than the worker's socket takes.
    const stuck = () => client`select 1 from pg_stat_activity
      where datname = current_database() and wait_event = 'ClientWrite' and clock_timestamp() - query_start > '200 ms'`;
    await eventually(async () => (await stuck()).length > 0, soon);
    return worker;
  },
};
