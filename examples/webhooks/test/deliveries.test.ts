import { expect, test } from "vitest";
import { isSignedBy } from "../src/signature.ts";
import { openEndpoint } from "./endpoint.ts";
import { openFragment, secret } from "./fragment.ts";

test("a webhook is signed for its receiver, under the hook's idempotency key", async () => {
  await using endpoint = await openEndpoint();
  await using example = await openFragment();
  await example.placeOrder(endpoint.url);
  await example.runHooks();

  const [{ headers, body } = { headers: {}, body: "" }] = endpoint.requests;
  const { hooks } = await example.fragment.hooks.list({ status: "completed" });
  const idempotencyKey = String(headers["idempotency-key"]);
  const signed = { idempotencyKey, timestamp: String(headers["webhook-timestamp"]), body };
  expect(hooks).toMatchObject([{ id: idempotencyKey }]);
  expect(isSignedBy(secret, signed, String(headers["webhook-signature"]))).toBe(true);
});

test.for([400, 401, 404, 410, 422])("an endpoint that answers %i is not asked again", async (status) => {
  await using endpoint = await openEndpoint([status]);
  await using example = await openFragment();
  await example.placeOrder(endpoint.url);
  await example.runHooks();

  const { hooks } = await example.fragment.hooks.list({ status: "failed" });
  expect(hooks).toMatchObject([
    { attempts: 1, lastError: { message: `${endpoint.url} answered ${status}` } },
  ]);
  expect(endpoint.requests).toHaveLength(1);
});

test.for([408, 429, 500, 503])("an endpoint that answers %i is asked again later", async (status) => {
  await using endpoint = await openEndpoint([status]);
  await using example = await openFragment();
  await example.placeOrder(endpoint.url);
  await example.runHooks();

  const { hooks } = await example.fragment.hooks.list({ status: "pending" });
  expect(hooks).toMatchObject([
    { attempts: 1, lastError: { message: `${endpoint.url} answered ${status}` } },
  ]);
});

test("an endpoint that says when to come back is asked again at that time", async () => {
  await using endpoint = await openEndpoint([429, { "retry-after": "600" }]);
  await using example = await openFragment();
  const before = Date.now();
  await example.placeOrder(endpoint.url);
  await example.runHooks();

  const { hooks } = await example.fragment.hooks.list({ status: "pending" });
  const dueInMs = Number(hooks[0]?.dueAt) - before;
  expect(dueInMs).toBeGreaterThanOrEqual(600_000);
  expect(dueInMs).toBeLessThan(660_000);
});

test("a redirect is not followed to where the customer's endpoint points, and is tried again", async () => {
  await using endpoint = await openEndpoint([302, { location: "/elsewhere" }]);
  await using example = await openFragment();
  await example.placeOrder(endpoint.url);
  await example.runHooks();

  expect(await example.fragment.hooks.count()).toMatchObject({ pending: 1, completed: 0 });
  expect(endpoint.requests).toHaveLength(1);
});
