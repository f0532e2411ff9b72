import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TriggerJson } from "../hook/trigger-json.ts";
import { encodeJson } from "./json.ts";

const limit = 262_144;
const ofPayload = new TriggerJson("deliver", "payload");
const encode = (payload: unknown) => encodeJson(payload, limit, ofPayload);

/** JSON has no sign of zero. */
function withoutNegativeZero(value: unknown): unknown {
  if (typeof value === "number") return value + 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutNegativeZero(entry)]));
}

const notSerializable = (path: string) =>
  expect.objectContaining({ code: "PAYLOAD_NOT_SERIALIZABLE", details: { hook: "deliver", path } });

test("every JSON value comes back as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (payload) => {
      const { text, value } = encode(payload);
      expect(value).toEqual(withoutNegativeZero(payload));
      expect(JSON.parse(text)).toEqual(value);
    }),
  );
});

test("what has a JSON form of its own is encoded as that, and read back as it", () => {
  const url = new URL("https://example.com/a");
  const payload = { at: new Date(0), url };
  expect(encode(payload).value).toEqual({ at: "1970-01-01T00:00:00.000Z", url: "https://example.com/a" });
});

test("a property that is undefined is as good as none", () => {
  expect(encode({ a: 1, b: undefined })).toEqual({ text: `{"a":1}`, value: { a: 1 } });
});

test("plain objects without a prototype, or of another realm, are plain", () => {
  const bare: unknown = Object.assign(Object.create(null) as object, { a: 1 });
  expect(encode(bare).value).toEqual({ a: 1 });
  expect(encode(runInNewContext("({ list: [{ a: 1 }] })")).value).toEqual({ list: [{ a: 1 }] });
});

class Money {
  readonly cents = 5;
}

class Bag {
  hasOwnProperty(): boolean {
    return true;
  }
}

const withoutConstructor: unknown = Object.create(Object.create(null) as object);

const refused: readonly (readonly [string, unknown, string])[] = [
  ["undefined", undefined, "undefined"],
  ["NaN", NaN, "NaN"],
  ["Infinity", Infinity, "Infinity"],
  ["-Infinity", -Infinity, "-Infinity"],
  ["a bigint", 5n, "a bigint"],
  ["a symbol", Symbol("s"), "a symbol"],
  ["a function", () => 5, "a function"],
  ["a Map", new Map(), "an instance of Map"],
  ["a Set", new Set(), "an instance of Set"],
  ["a RegExp", /a/, "an instance of RegExp"],
  ["an Error", new Error("no"), "an instance of Error"],
  ["a promise", Promise.resolve(), "an instance of Promise"],
  ["bytes", new Uint8Array(2), "an instance of Uint8Array"],
  ["a boxed text", new String("a"), "an instance of String"],
  ["an instance of a class", new Money(), "an instance of Money"],
  ["an instance that looks plain", new Bag(), "an instance of Bag"],
  ["an instance of nothing named", withoutConstructor, "an instance of a class"],
  ["an invalid Date", new Date(NaN), "an invalid Date"],
];

test.each(refused)("%s is refused, wherever it is", (_what, value, named) => {
  expect(() => encode(value)).toThrow(notSerializable(""));
  expect(() => encode(value)).toThrow(`must be plain JSON, but it is ${named}.`);
  expect(() => encode([[value]])).toThrow(notSerializable("[0][0]"));
  const nested = { order: { lines: [1, { amount: [value] }] } };
  expect(() => encode(nested)).toThrow(notSerializable("order.lines[1].amount[0]"));
  expect(() => encode(nested)).toThrow(`at order.lines[1].amount[0] it holds ${named}.`);
});

test("a hole in an array is refused", () => {
  const holed = [1];
  holed[2] = 3;
  expect(() => encode({ holed })).toThrow(notSerializable("holed[1]"));
});

test("a cycle is refused at the reference that closes it", () => {
  const order: Record<string, unknown> = { id: 1 };
  const lines: unknown[] = [{ order }];
  order["lines"] = lines;
  expect(() => encode(order)).toThrow(notSerializable("lines[0].order"));
  lines[0] = lines;
  expect(() => encode(order)).toThrow("at lines[0] it holds a reference back to an object that holds it");
});

test("an object that is referred to twice without a cycle is encoded twice", () => {
  const address = { city: "Basel" };
  const payload = { from: address, to: address, all: [address, address] };
  expect(encode(payload).value).toEqual(payload);
});

test.each<[string, unknown]>([
  ["nothing", { toJSON: () => undefined }],
  ["NaN", { amount: { toJSON: () => NaN } }],
  ["a bigint", { amount: { toJSON: () => 5n } }],
  ["a Map", { index: { toJSON: () => new Map([[1, 2]]) } }],
])("a JSON form of its own that is %s is refused", (_what, payload) => {
  expect(() => encode(payload)).toThrow(expect.objectContaining({ code: "PAYLOAD_NOT_SERIALIZABLE" }));
});

test.each([
  ["one byte", "a", 1],
  ["two bytes", "é", 2],
  ["three bytes", "€", 3],
  ["four bytes", "😀", 4],
])("the limit is in bytes of UTF-8 and may be reached: characters of %s", (_what, character, bytes) => {
  const payload = character.repeat(100);
  const size = 2 + 100 * bytes;
  expect(encodeJson(payload, size, ofPayload).value).toBe(payload);
  const act = () => encodeJson(payload, size - 1, ofPayload);
  const details = { hook: "deliver", bytes: size, maxBytes: size - 1 };
  expect(act).toThrow(expect.objectContaining({ code: "PAYLOAD_TOO_LARGE", details }));
  expect(act).toThrow(`takes ${size} bytes as JSON and at most ${size - 1} are allowed`);
});

test("a payload far below the limit passes", () => {
  expect(encodeJson("é", 12, ofPayload).text).toBe(`"é"`);
});
