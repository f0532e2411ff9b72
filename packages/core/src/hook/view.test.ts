import { expect, test } from "vitest";
import type { AttemptError, ItemView } from "../kernel/item.ts";
import { hookView } from "./view.ts";

const first: AttemptError = { at: 1, attempt: 1, name: "Error", message: "refused" };
const second: AttemptError = { ...first, at: 2, attempt: 2 };

const item: ItemView = {
  id: "item-1",
  queue: "hook/shop",
  name: "deliver",
  key: "order-1",
  state: "timed",
  outcome: null,
  revision: 0,
  held: false,
  owner: null,
  lease: null,
  claimedRevision: null,
  cancelRequested: false,
  priority: 5,
  concurrencyKey: "customer-1",
  dueAt: 4_000,
  attempts: 3,
  failures: 2,
  lost: 1,
  maxAttempts: 20,
  errors: [first, second],
  body: `{"url":"https://a"}`,
  trace: `{"parent":"00-a"}`,
  createdAt: 1_000,
  finishedAt: null,
};

test("an item is shown in the words of hooks, with dates and its payload", () => {
  expect(hookView(item)).toEqual({
    id: "item-1",
    name: "deliver",
    status: "pending",
    payload: { url: "https://a" },
    key: "order-1",
    concurrencyKey: "customer-1",
    priority: 5,
    dueAt: new Date(4_000),
    attempts: 3,
    failures: 2,
    lost: 1,
    maxAttempts: 20,
    errors: [first, second],
    lastError: second,
    owner: null,
    isCancelRequested: false,
    trace: { parent: "00-a" },
    createdAt: new Date(1_000),
    finishedAt: null,
  });
});

test("what an item does not have is null", () => {
  const bare: ItemView = { ...item, key: null, dueAt: null, errors: [], body: "null", trace: null };
  expect(hookView(bare)).toMatchObject({
    key: null,
    dueAt: null,
    lastError: null,
    payload: null,
    trace: null,
  });
});

test("a held item is shown with its owner, a finished one with its end", () => {
  const held: ItemView = { ...item, held: true, owner: "worker-1", cancelRequested: true };
  expect(hookView(held)).toMatchObject({ status: "processing", owner: "worker-1", isCancelRequested: true });
  const failed: ItemView = { ...item, state: "done", outcome: "failed", finishedAt: 0 };
  expect(hookView(failed)).toMatchObject({ status: "failed", finishedAt: new Date(0) });
});
