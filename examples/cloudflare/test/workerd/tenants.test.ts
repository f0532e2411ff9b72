import { expect, test, vi } from "vitest";
import { Customer } from "./customer.ts";
import { Shop } from "./shop.ts";

const bounds = { timeout: 4_000 };

test("an order's webhook is delivered once the alarm rings, and an idle tenant has no alarm", async () => {
  const [shop, customer] = [new Shop(), new Customer()];
  const id = await shop.order(customer.url);

  await vi.waitFor(() => expect(customer.orders).toEqual([id]), bounds);
  await vi.waitFor(async () => expect(await shop.alarm()).toBeNull(), bounds);
  expect(await shop.count()).toMatchObject({ pending: 0, completed: 1 });
  expect(customer.orders).toEqual([id]);
});

test("two tenants never see each other", async () => {
  const [one, other, customer] = [new Shop(), new Shop(), new Customer()];
  const id = await one.order(customer.url);

  expect((await one.request(`/orders/${id}`)).status).toBe(200);
  expect((await other.request(`/orders/${id}`)).status).toBe(404);
  await vi.waitFor(async () => expect(await one.count()).toMatchObject({ completed: 1 }), bounds);
  expect(await other.count()).toMatchObject({ pending: 0, completed: 0 });
});

test("the status tells when something is due, and nothing else of a tenant is open", async () => {
  const shop = new Shop();

  expect(await (await shop.request("/status")).json()).toEqual({
    alarmAt: null,
    nextWakeAt: { webhooks: null },
  });
  expect((await shop.request("/orders", { method: "POST", body: "not an order" })).status).toBe(400);
  expect((await shop.request("/drain", { method: "POST" })).status).toBe(404);
});
