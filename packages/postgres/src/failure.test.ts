import { SherdError } from "@sherd/core";
import { DrizzleQueryError } from "drizzle-orm";
import { expect, test } from "vitest";
import { asSherdError, isConnectionCut, isTransient, rootCause } from "./failure.ts";

const failure = (code: string, message = "it failed") => Object.assign(new Error(message), { code });

test.each(["40001", "40P01", "55P03"])("%s is worth another try", (code) => {
  expect(isTransient(failure(code))).toBe(true);
  expect(asSherdError(failure(code), "claim")).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
});

test.each([
  "57P01",
  "08006",
  "53300",
  "25006",
  "ECONNRESET",
  "ECONNREFUSED",
  "CONNECTION_CLOSED",
  "CONNECT_TIMEOUT",
])("%s is a database that cannot be had now", (code) => {
  const cause = failure(code);
  expect(isTransient(cause)).toBe(false);
  expect(asSherdError(cause, "claim")).toMatchObject({
    code: "DATABASE_UNAVAILABLE",
    cause,
    details: { verb: "claim" },
  });
});

test.each([
  "Connection terminated unexpectedly",
  "proxy request failed, cannot connect to the specified address",
  "Network connection lost.",
  "This socket has been closed.",
])("so is one that says %s, without a code", (message) => {
  const cause = new Error(message);
  expect(asSherdError(cause, "claim")).toMatchObject({ code: "DATABASE_UNAVAILABLE", cause });
});

test.each([
  ['relation "sherd_item" does not exist', "42P01", "sherd_item"],
  ["function sherd_claim_v1(text) does not exist", "42883", "sherd_claim_v1"],
])("%s: the kernel's tables are missing", (message, code, missing) => {
  expect(asSherdError(failure(code, message), "claim")).toMatchObject({
    code: "NOT_MIGRATED",
    details: { scope: null, missing: [missing] },
  });
});

test("what is not Sherd's to explain comes out as the driver's own error, without drizzle's copy of the payload", () => {
  const cause = failure("42P01", 'relation "customer" does not exist');
  const wrapped = new DrizzleQueryError("select $1", ["the payload"], cause);
  expect(rootCause(wrapped)).toBe(cause);
  expect(asSherdError(wrapped, "claim")).toBe(cause);
  const own = new SherdError("LEASE_LOST", "it is lost", { id: "1" });
  expect(asSherdError(own, "settle")).toBe(own);
});

test.each([
  ["ECONNRESET", failure("ECONNRESET"), true],
  ["what workerd says", new Error("Network connection lost."), true],
  [
    "what workerd says, in drizzle's wrapper",
    new DrizzleQueryError("select 1", [], new Error("This socket has been closed.")),
    true,
  ],
  [
    "a connection that was never made",
    new Error("proxy request failed, cannot connect to the specified address"),
    false,
  ],
  ["a statement that failed", failure("23505", "the network connection lost its key"), false],
])("%s is a connection that was cut: %#", (_what, error, expected) => {
  expect(isConnectionCut(error)).toBe(expected);
});
