import { afterAll, expect, test } from "vitest";
import { durableObjectAdapter } from "../../src/durable-object.ts";
import { depth } from "../../src/statements/depth.ts";
import { claim, ended, enqueue } from "../items.ts";
import { inObject } from "./inside.ts";

const many = 300;
const { reach } = depth;
afterAll(() => Object.assign(depth, { reach }));

/** How many items of each state there are, behind one of a busy key, and in which order they run. */
function drained() {
  return inObject(async (storage) => {
    const adapter = durableObjectAdapter(storage);
    await adapter.migrator.apply([adapter.migrator.kernel]);
    const waiting = Array.from({ length: many }, () => ({ concurrencyKey: "k" }));
    const items = await enqueue(adapter, { concurrencyKey: "k" }, ...waiting);
    const ran: string[] = [];
    let states: Record<string, SqlStorageValue>[] = [];
    for (let { items: claimed } = await claim(adapter); claimed.length > 0;) {
      if (ran.length === 0) {
        await claim(adapter);
        states = storage.sql
          .exec("SELECT state, count(*) AS count FROM sherd_item GROUP BY state ORDER BY state")
          .toArray();
      }
      ran.push(...claimed.map(({ id }) => id));
      await adapter.storage.settle(
        "hook/test",
        claimed.map((item) => ended(item)),
      );
      ({ items: claimed } = await claim(adapter));
    }
    expect(ran).toEqual(items.map(({ id }) => id));
    return states;
  });
}

test("where to write a row is dear, hundreds that wait behind a busy key are left as they are", async () => {
  expect(await drained()).toEqual([{ state: "ready", count: many + 1 }]);
});

test("where a claim would walk past too many, it blocks them, and they run in order", async () => {
  depth.reach = () => 100;
  expect(await drained()).toEqual([
    { state: "blocked", count: many - 1 },
    { state: "ready", count: 2 },
  ]);
});
