import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { graceMs } from "../../src/sweep.ts";
import { cron, overdueTime } from "./cron.ts";
import { Customer } from "./customer.ts";
import { Shop } from "./shop.ts";

const registry = env.REGISTRY.getByName("registry");
const bounds = { timeout: 4_000 };
const dayMs = 86_400_000;
let shop: Shop;
let customer: Customer;

beforeEach(() => {
  shop = new Shop();
  customer = new Customer();
});

/** What a sweep at `time` would ask the shop with. */
async function asked(time: number) {
  const overdue = await registry.overdue(time - graceMs, 1_000);
  return overdue.find(({ tenant }) => tenant === shop.name);
}

test("a lost alarm strands nothing: the sweep gets the work done, once the tenant is overdue", async () => {
  const id = await shop.orderWithoutAlarm(customer.url);
  await cron(Date.now());
  expect(await shop.alarm()).toBeNull();

  await cron(overdueTime());
  await vi.waitFor(() => expect(customer.orders).toEqual([id]), bounds);
});

test("a tenant where nothing waits is forgotten, until something is expected again", async () => {
  await shop.order(customer.url);
  await vi.waitFor(async () => expect(await shop.alarm()).toBeNull(), bounds);
  expect(await asked(overdueTime())).toBeDefined();

  await cron(overdueTime());
  expect(await asked(Date.now() + dayMs)).toBeUndefined();
  await shop.order(customer.url);
  expect(await asked(overdueTime())).toBeDefined();
});

test("a tenant whose work is due tomorrow is kept, and not asked again until then", async () => {
  const tomorrow = Date.now() + dayMs;
  await registry.expect(shop.name, Date.now());
  await shop.inside((tenant) =>
    tenant.webhooks.transaction(async (uow) => {
      uow.triggerHook("deliver", { url: customer.url, body: "{}" }, { processAt: new Date(tomorrow) });
    }),
  );
  await cron(overdueTime());
  await shop.inside((_, { storage }) => storage.deleteAlarm());

  await cron(tomorrow);
  expect(await shop.alarm()).toBeNull();
  await cron(tomorrow + graceMs + 1_000);
  expect(await shop.alarm()).toBeCloseTo(tomorrow, -3);
});

test("a tenant in trouble keeps no other from being asked, and is asked again", async () => {
  const [healthy, log] = [new Shop(), vi.spyOn(console, "error").mockReturnValue()];
  const id = await shop.orderWithoutAlarm(customer.url);
  await shop.inside(async (_, { storage }) => storage.sql.exec("ALTER TABLE sherd_item RENAME TO lost_item"));
  const healthyId = await healthy.orderWithoutAlarm(customer.url);
  const time = overdueTime();

  await cron(time);
  expect(log).toHaveBeenCalledWith(`${shop.name} did not answer:`, expect.any(Error));
  await vi.waitFor(() => expect(customer.orders).toEqual([healthyId]), bounds);
  await shop.inside(async (_, { storage }) => storage.sql.exec("ALTER TABLE lost_item RENAME TO sherd_item"));
  await cron(time + graceMs + 1);
  await vi.waitFor(() => expect(customer.orders).toEqual([healthyId, id]), bounds);
});
