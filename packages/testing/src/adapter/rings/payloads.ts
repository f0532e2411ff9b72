import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { attemptError, completed, parked, retryIn } from "../settlement.ts";

const values: Readonly<Record<string, unknown>> = {
  "an object": { a: 1, b: { c: [true, false, null] }, "": "", "with \"quotes\" and 'others'": {} },
  "an array": [1, "two", [3, [4]], { five: 5 }, []],
  "a string": "plain",
  "an empty string": "",
  null: null,
  "true and false": [true, false],
  "numbers of every size": [0, -0, -1, 1.5, 1e21, 1e-7, 2 ** 53 + 2, Number.MAX_VALUE, Number.MIN_VALUE],
  "a number alone": 1e21,
  "every kind of character":
    "\t\n\r\b\f \\ / \" ' ` $1 ${x} ? :a %s é ß 漢字 🧑‍🚀 \u00ad \u2028 \u2029 \ufeff \uffff \u0001 \u007f",
  "an escaped NUL": ["\u0000", "a\u0000b", { "key\u0000": 1 }],
  "lone surrogates": ["\ud800", "\udfff", "half an emoji \ud83d", "\udc00\ud800"],
  "what looks like SQL": ["'; drop table sherd_item; --", "{a,b}", "NULL", "\\x00", "{}", "[]", "1"],
  "five hundred levels": nested(500),
  "250 KiB": "€".repeat(85_333),
};

const names = [
  "a,b",
  '"quoted"',
  "{braced}",
  "back\\slash",
  "it's",
  "NULL",
  "",
  " padded ",
  "漢字 🧑‍🚀",
  "a/b:c?d=$1",
];

export const payloads: Guarantees = {
  ...Object.fromEntries(
    Object.entries(values).map(([label, value]) => [
      `a payload of ${label} comes back as it was sent`,
      (q: QueueUnderTest) => expectRoundTrip(q, value),
    ]),
  ),

  "names and keys of any characters are told apart": async (q) => {
    const ids = await q.enqueue(...names.map((name) => ({ name, key: name, concurrencyKey: name })));
    for (const [index, name] of names.entries()) {
      const item = await q.claimOne({ names: [name], owner: name });
      expect([item.id, item.name]).toEqual([ids[index], name]);
      expect(await q.view(item.id)).toMatchObject({ name, key: name, concurrencyKey: name, owner: name });
      await q.settle({ ...parked(item), gate: name });
      expect(await q.storage.wake(q.queue, [name])).toBe(1);
    }
    expect(await q.claimIds({ names })).toEqual(ids);
  },

  "queues of any characters are told apart": async (q) => {
    const queues = names.map((name) => `${q.queue}/${name}`);
    const ids = await q.enqueue(...queues.map((queue) => ({ queue })));
    for (const [index, queue] of queues.entries()) expect(await q.claimIds({ queue })).toEqual([ids[index]]);
  },

  "an error of any unicode text neither fails its settle nor loses its words": async (q) => {
    const [item, batchMate] = await q.claimNew({}, {}, {});
    const message = `cut off amid an emoji \ud83d, "quoted" \\u0000 {a,b} 漢字 \u2028 ${"x".repeat(20_000)}`;
    const error = { ...attemptError(1, message), stack: message, code: "\udc00" };
    expect(await q.settle(retryIn(item, 1, error), completed(batchMate))).toEqual(["settled", "settled"]);
    const { errors } = await q.view(item.id);
    expect(errors.map((kept) => wellFormed(kept.message))).toEqual([wellFormed(message)]);
    expect(errors).toMatchObject([{ at: error.at, attempt: 1, name: "Error" }]);
  },
};

async function expectRoundTrip(q: QueueUnderTest, value: unknown): Promise<void> {
  const text = JSON.stringify(value);
  const [id] = await q.enqueue({ body: text, trace: text });
  const item = await q.claimOne();
  const pending = await q.view(id);
  await q.settle(completed(item));
  const finished = await q.view(id);
  for (const { body, trace } of [item, pending, finished]) {
    expect([body, trace].map((sent) => JSON.parse(sent ?? ""))).toEqual([JSON.parse(text), JSON.parse(text)]);
  }
}

/** A database may keep half a surrogate pair or replace it. */
function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

function nested(levels: number): unknown {
  let value: unknown = "core";
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}
