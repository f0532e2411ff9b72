import { fixed, isSherdError } from "@sherd/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { rejection, useProbes } from "./use-probe.ts";

const nested = (depth: number): unknown => (depth === 0 ? "deep" : [{ in: nested(depth - 1) }]);

const chosen: readonly (readonly [what: string, payload: unknown])[] = [
  ["null", null],
  ["false", false],
  ["zero", 0],
  ["an empty string", ""],
  ["a string at the top", 'with "quotes", \\ and \n'],
  ["an array at the top", [1, [2, []], {}]],
  ["an array of nulls", [null, null]],
  ["NUL in a string", "a\u0000b"],
  ["NUL in a key", { "a\u0000b": 1 }],
  ["a high surrogate alone", "a\ud83d"],
  ["a low surrogate alone", ["\ude00b"]],
  ["emoji", { "👩‍👩‍👧": "🧩" }],
  ["line separators", "\u2028\u2029"],
  ["1e21", 1e21],
  ["the largest number", [Number.MAX_VALUE, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER, 0.1]],
  ["what is nested 200 deep", nested(100)],
  ["an empty key", { "": { "": 0 } }],
  ["a key __proto__", JSON.parse('{"__proto__":{"a":1}}')],
  ["placeholders of drivers", "$1 ? ?? :a %s ${b} {{namespace}}"],
  ["keys in an order of their own", { b: 1, a: 2, "1": 3 }],
];

describe.each(everyDatabase)("payloads, on %s", (kind) => {
  const probes = useProbes(kind);

  it("every JSON value reaches the handler, get and list as it was triggered", async () => {
    const received = new Map<string, string>();
    const { fragment, processor } = await probes.make((payload, { id }) => {
      received.set(id, JSON.stringify(payload));
    });
    const stringUnit = fc.constantFrom("binary", "grapheme") as fc.Arbitrary<"binary" | "grapheme">;
    const values = fc.array(
      stringUnit.chain((unit) => fc.jsonValue({ stringUnit: unit })),
      { minLength: 60, maxLength: 80 },
    );
    await fc.assert(
      fc.asyncProperty(values, async (payloads) => {
        const texts = payloads.map((payload) => JSON.stringify(payload));
        const ids = await fragment.services.triggerMany(payloads);
        const listed = (await fragment.hooks.list({ status: "pending", limit: 100 })).hooks;
        expect(listed.toReversed().map(({ payload }) => JSON.stringify(payload))).toEqual(texts);
        await processor.processDue();
        expect(ids.map((id) => received.get(id))).toEqual(texts);
      }),
      { numRuns: 4 },
    );
  });

  it("so do the values that databases and drivers stumble over", async () => {
    const received = new Map<string, string>();
    const { fragment, processor } = await probes.make((payload, { id, trace }) => {
      received.set(id, JSON.stringify([payload, trace]));
    });
    const triggered = await fragment.transaction(async (uow) =>
      chosen.map(
        ([what, payload]) => [what, payload, uow.triggerHook("work", payload, { trace: payload })] as const,
      ),
    );
    await processor.processDue();
    for (const [what, payload, id] of triggered) {
      const stored = (await fragment.hooks.get(id))?.payload;
      expect([what, received.get(id)]).toEqual([what, JSON.stringify([payload, payload])]);
      expect([what, JSON.stringify(stored)]).toEqual([what, JSON.stringify(payload)]);
    }
  });

  it("what an error says, whatever it is made of, is on record", async () => {
    const messages = ["a\u0000b", "\ud83d", "🧩", "$1 ?", "x".repeat(10_000)];
    const { fragment, processor } = await probes.make(
      (payload) => {
        throw Object.assign(new Error(messages[payload as number]), { name: "\u0000Odd", code: "C\u0000" });
      },
      { retry: fixed({ delayMs: 0, maxAttempts: 1 }) },
    );
    const ids = await fragment.services.triggerMany([...messages.keys()]);
    await processor.processDue();
    const recorded = await Promise.all(ids.map(async (id) => (await fragment.hooks.get(id))?.lastError));
    expect(recorded.map((error) => error?.message.slice(0, 5))).toEqual([
      "ab",
      "\ufffd",
      "🧩",
      "$1 ?",
      "xxxxx",
    ]);
    expect(recorded[0]).toMatchObject({ name: "Odd", code: "C" });
  });

  it("a payload of exactly 256 KiB is carried, and one byte more is PAYLOAD_TOO_LARGE", async () => {
    const received: unknown[] = [];
    const { fragment, processor } = await probes.make((payload) => void received.push(payload));
    const maxBytes = 262_144;
    const largest = "x".repeat(maxBytes - 2);
    // Two bytes a character, so that bytes are counted and not characters.
    const largestInBytes = "é".repeat((maxBytes - 2) / 2);
    await fragment.services.triggerMany([largest, largestInBytes]);
    for (const tooLarge of [`${largest}x`, `${largestInBytes}x`]) {
      const refused = await rejection(fragment.services.trigger(tooLarge));
      expect(isSherdError(refused, "PAYLOAD_TOO_LARGE") && refused.details).toEqual({
        hook: "work",
        bytes: maxBytes + 1,
        maxBytes,
      });
    }
    expect(await processor.processDue()).toMatchObject({ completed: 2 });
    expect(received).toEqual([largest, largestInBytes]);
  });
});
