import { expect, test } from "vitest";
import { openEndpoint } from "./endpoint.ts";
import { openFragment } from "./fragment.ts";

test("an order and its webhook commit together, and the webhook tells of the order", async () => {
  await using endpoint = await openEndpoint();
  await using example = await openFragment();
  const { fragment, request, runHooks } = example;
  const answer = await request("/orders", { customer: "you", amount: 4200, webhookUrl: endpoint.url });
  const order = (await answer.json()) as { readonly id: string };

  expect(answer.status).toBe(201);
  expect(await (await request(`/orders/${order.id}`)).json()).toEqual(order);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 1 });

  await runHooks();
  expect(endpoint.requests.map(({ body }) => JSON.parse(body))).toEqual([{ type: "order.placed", order }]);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 0, completed: 1 });
});

test("what rolls back leaves neither an order nor a webhook", async () => {
  await using endpoint = await openEndpoint();
  await using example = await openFragment();
  const { fragment, runHooks } = example;
  const failing = fragment.transaction(async ({ services }) => {
    await services.placeOrder({ customer: "you", amount: 4200, webhookUrl: endpoint.url });
    throw new Error("the card was declined");
  });

  await expect(failing).rejects.toThrow("the card was declined");
  await runHooks();
  expect(await fragment.transaction(({ db, tables }) => db.$count(tables.order))).toBe(0);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 0, completed: 0, failed: 0 });
  expect(endpoint.requests).toEqual([]);
});

test("an order that makes no sense is refused, and nothing is written", async () => {
  await using example = await openFragment();
  const { fragment, request } = example;
  const answers = await Promise.all([
    request("/orders", { customer: "you", amount: -1, webhookUrl: "http://127.0.0.1/" }),
    request("/orders", { customer: "you", amount: 1, webhookUrl: "file:///etc/passwd" }),
    request("/orders", "not an order"),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
});

test("an order that is not there is not found", async () => {
  await using example = await openFragment();

  expect((await example.request(`/orders/${crypto.randomUUID()}`)).status).toBe(404);
  expect((await example.request("/orders/one")).status).toBe(404);
});
