import { postgresAdapter } from "@sherd/postgres";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../../src/eventually.ts";
import { expectWhole, openCrashTest } from "./open-crash-test.ts";
import type { Order } from "./orders.ts";
import { openProxy } from "./proxy.ts";

const soon = { withinMs: 15_000 };
const many = (order: Order, count: number) => Array.from({ length: count }, () => order);

it("a process whose line to the database falls silent holds nobody up, and works again when the line is closed", async () => {
  const { location, journal, open, poll } = await openCrashTest("PostgreSQL");
  const proxy = await openProxy(location);
  onTestFinished(() => proxy.close());
  let inHandlers = 0;
  const { promise: silent, resolve: goOn } = Promise.withResolvers<void>();
  const cutOff = poll({
    adapter: postgresAdapter(proxy.url),
    durableHooks: { concurrency: 5 },
    wait: async () => {
      inHandlers += 1;
      await silent;
    },
  });
  const shop = open();
  await shop.place(...many({ act: "once", note: "under way", takesMs: 0 }, 20));
  await eventually(() => inHandlers === 5, soon);
  proxy.freeze();
  // The handlers end, and nothing of it gets through.
  goOn();
  const other = poll();
  await eventually(async () => (await shop.fragment.hooks.count()).completed === 20, soon);
  await other.stop();
  await shop.place(...many({ act: "once", note: "for the one that was cut off" }, 20));
  proxy.heal();
  await eventually(async () => (await shop.fragment.hooks.count()).completed === 40, soon);
  expect(cutOff.errors.length).toBeGreaterThan(0);
  await expectWhole(shop, journal);
}, 60_000);
