import { createDurableHooksProcessor, migrate } from "@sherd/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWebhooks, type Webhooks } from "../src/app.ts";
import { readSettings } from "../src/settings.ts";
import { isSignedBy } from "../src/signature.ts";
import { openEndpoint } from "./endpoint.ts";

const secret = "between us";
let fragment: Webhooks;

beforeEach(async () => {
  const env = { SQLITE_FILE: ":memory:", WEBHOOK_SECRET: secret, WEBHOOK_RETRY_MS: "60000" };
  fragment = openWebhooks(readSettings(env));
  await migrate(fragment);
});

afterEach(() => fragment.databaseAdapter.close());

const request = (path: string, body?: unknown) =>
  fragment.handler(
    new Request(`http://localhost${path}`, body ? { method: "POST", body: JSON.stringify(body) } : {}),
  );
const runHooks = () => createDurableHooksProcessor(fragment)?.processDue();
const placeOrder = (webhookUrl: string) =>
  fragment.services.placeOrder({ customer: "you", amount: 4200, webhookUrl });
const onlyHook = async (status: "pending" | "failed") => {
  const { hooks } = await fragment.hooks.list({ status });
  expect(hooks).toHaveLength(1);
  return hooks[0];
};

test("an order and its webhook commit together, and the webhook tells of the order", async () => {
  await using endpoint = await openEndpoint();
  const answer = await request("/orders", { customer: "you", amount: 4200, webhookUrl: endpoint.url });
  const order = await answer.json();

  expect(answer.status).toBe(201);
  expect(await (await request(`/orders/${order.id}`)).json()).toEqual(order);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 1 });

  await runHooks();
  expect(endpoint.requests.map(({ body }) => JSON.parse(body))).toEqual([{ type: "order.placed", order }]);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 0, completed: 1 });
});

test("what rolls back leaves neither an order nor a webhook", async () => {
  await using endpoint = await openEndpoint();
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

test("a receiver can tell a signed webhook from one that was tampered with, replayed or forged", async () => {
  await using endpoint = await openEndpoint();
  await placeOrder(endpoint.url);
  await runHooks();

  const [{ headers, body } = { headers: {}, body: "" }] = endpoint.requests;
  const idempotencyKey = String(headers["idempotency-key"]);
  const signed = { idempotencyKey, timestamp: String(headers["webhook-timestamp"]), body };
  const signature = String(headers["webhook-signature"]);
  const longAgo = String(Number(signed.timestamp) - 3_600);
  expect(isSignedBy(secret, signed, signature)).toBe(true);
  expect(isSignedBy("another", signed, signature)).toBe(false);
  expect(isSignedBy(secret, { ...signed, body: body.replace("4200", "1") }, signature)).toBe(false);
  expect(isSignedBy(secret, { ...signed, idempotencyKey: "another" }, signature)).toBe(false);
  expect(isSignedBy(secret, { ...signed, timestamp: longAgo }, signature)).toBe(false);
  expect(isSignedBy(secret, signed, "")).toBe(false);
});

test.for([400, 401, 404, 410, 422])("an endpoint that answers %i is not asked again", async (status) => {
  await using endpoint = await openEndpoint([status]);
  await placeOrder(endpoint.url);
  await runHooks();

  const hook = await onlyHook("failed");
  expect(hook).toMatchObject({ attempts: 1, lastError: { message: `${endpoint.url} answered ${status}` } });
  expect(endpoint.requests).toHaveLength(1);
});

test.for([302, 408, 429, 500, 503])("an endpoint that answers %i is asked again later", async (status) => {
  await using endpoint = await openEndpoint([status]);
  await placeOrder(endpoint.url);
  await runHooks();

  const hook = await onlyHook("pending");
  expect(hook).toMatchObject({ attempts: 1, lastError: { message: `${endpoint.url} answered ${status}` } });
});

test("an endpoint that says when to come back is asked again at that time", async () => {
  await using endpoint = await openEndpoint([429, { "retry-after": "600" }]);
  const before = Date.now();
  await placeOrder(endpoint.url);
  await runHooks();

  const dueInMs = Number((await onlyHook("pending"))?.dueAt) - before;
  expect(dueInMs).toBeGreaterThanOrEqual(600_000);
  expect(dueInMs).toBeLessThan(660_000);
});

test("an order that makes no sense is refused, and nothing is written", async () => {
  const answers = await Promise.all([
    request("/orders", { customer: "you", amount: -1, webhookUrl: "http://127.0.0.1/" }),
    request("/orders", { customer: "you", amount: 1, webhookUrl: "file:///etc/passwd" }),
    request("/orders", "not an order"),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
  expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
});

test("an order that is not there is not found", async () => {
  expect((await request(`/orders/${crypto.randomUUID()}`)).status).toBe(404);
  expect((await request("/orders/one")).status).toBe(404);
});
