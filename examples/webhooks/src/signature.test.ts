import { expect, test } from "vitest";
import { isSignedBy, sign } from "./signature.ts";

const nowSeconds = Math.floor(Date.now() / 1000);
const signed = { idempotencyKey: "1", timestamp: String(nowSeconds), body: '{"amount":4200}' };
const signature = sign(signed, "secret");

test("a signature made with the secret is right", () => {
  expect(isSignedBy("secret", signed, signature)).toBe(true);
});

test("a signature made with another secret is wrong, and so is none", () => {
  expect(isSignedBy("secret", signed, sign(signed, "guessed"))).toBe(false);
  expect(isSignedBy("secret", signed, "")).toBe(false);
});

test("whoever changes the body, the key or the time breaks the signature", () => {
  expect(isSignedBy("secret", { ...signed, body: '{"amount":1}' }, signature)).toBe(false);
  expect(isSignedBy("secret", { ...signed, idempotencyKey: "2" }, signature)).toBe(false);
  expect(isSignedBy("secret", { ...signed, timestamp: String(nowSeconds + 1) }, signature)).toBe(false);
});

test("a right signature that is older than five minutes is a replay, and one without a time is wrong", () => {
  const replayed = { ...signed, timestamp: String(nowSeconds - 301) };
  const timeless = { ...signed, timestamp: "" };
  expect(isSignedBy("secret", replayed, sign(replayed, "secret"))).toBe(false);
  expect(isSignedBy("secret", timeless, sign(timeless, "secret"))).toBe(false);
});
