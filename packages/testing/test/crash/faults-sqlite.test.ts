import { DatabaseSync } from "node:sqlite";
import { sqliteAdapter } from "@sherd/sqlite";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../../src/eventually.ts";
import { expectWhole, openCrashTest } from "./open-crash-test.ts";
import type { Order } from "./orders.ts";

const soon = { withinMs: 10_000 };
const many = (order: Order, count: number) => Array.from({ length: count }, () => order);

it("a file whose write lock another process keeps for long refuses triggers, and runs every hook once it is free", async () => {
  const { location, journal, children, poll } = await openCrashTest("SQLite");
  let inHandlers = 0;
  const { promise: unlocked, resolve: goOn } = Promise.withResolvers<void>();
  const { shop, errors } = poll({
    adapter: sqliteAdapter(location, { busyTimeoutMs: 100 }),
    durableHooks: { maxLost: 50 },
    wait: async () => {
      inHandlers += 1;
      await unlocked;
    },
  });
  await shop.place(...many({ act: "wait", note: "held while it is locked" }, 5));
  await eventually(() => inHandlers === 5, soon);
  const locker = await children.lock(location);
  // Handlers end, leases expire and beats fail while it lasts.
  goOn();
  const refused = await shop.place({ act: "once", note: "refused" }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "DATABASE_BUSY", retryable: true });
  await eventually(() => errors.length >= 2, soon);
  locker.signal("SIGKILL");
  await locker.ended;
  await shop.place(...many({ act: "once", note: "accepted" }, 5));
  const { hooks } = await expectWhole(shop, journal, 50);
  expect(hooks.filter(({ status }) => status === "completed")).toHaveLength(10);
}, 30_000);

it("a full disk fails triggers whole, and what runs meanwhile takes effect once there is room again", async () => {
  const { location, journal, poll } = await openCrashTest("SQLite");
  const database = new DatabaseSync(location);
  onTestFinished(() => database.close());
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  const roomFor = (more: number) => database.exec(`PRAGMA max_page_count = ${pages + more}`);
  const { promise: full, resolve: goOn } = Promise.withResolvers<void>();
  const { shop, errors } = poll({
    adapter: sqliteAdapter(database),
    durableHooks: { maxLost: 50 },
    wait: () => full,
  });
  const padding = "x".repeat(50_000);
  await shop.place(...many({ act: "wait", note: "ends while it is full", padding }, 5));
  await eventually(async () => (await shop.fragment.hooks.count()).processing === 5, soon);
  roomFor(0);
  const refused = await eventually(
    () =>
      shop.place({ act: "once", note: "too much", padding: padding.repeat(4) }).then(
        () => null,
        (error: unknown) => error,
      ),
    soon,
  );
  expect(refused).toMatchObject({ code: "DATABASE_UNAVAILABLE", retryable: true });
  goOn();
  await eventually(() => errors.length > 0, soon);
  roomFor(100_000);
  await shop.place(...many({ act: "once", note: "fits", padding }, 5));
  const { hooks, committed } = await expectWhole(shop, journal, 50);
  expect(hooks.filter(({ status }) => status === "completed")).toHaveLength(10);
  expect(committed.filter(({ note }) => note === "too much")).toEqual([]);
}, 30_000);
