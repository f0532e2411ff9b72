import fc from "fast-check";
import postgres from "postgres";
import { afterAll, beforeAll, describe, test } from "vitest";
import { depth } from "../../../sqlite/src/statements/depth.ts";
import { useDatabase } from "../../../../tooling/databases.ts";
import { type End, QueueBesideModel } from "./queue.ts";

const names = ["old", "new"];
const nth = fc.nat({ max: 1_000 });
const draft = fc.record({
  name: fc.constantFrom(...names),
  priority: fc.constantFrom(0, 0, 0, 1, 2),
  concurrencyKey: fc.constantFrom("a", "a", "a", "b", "b", "c", null),
  releasesKey: fc.constantFrom(false, false, true),
});
const end = fc.constantFrom<End>(
  "complete",
  "complete",
  "complete",
  "release",
  "retry now",
  "retry later",
  "park",
  "fail",
  "lose",
);
const request = fc.record({
  names: fc.constantFrom(names, names, ["old"], ["new"]),
  limit: fc.constantFrom(1, 1, 2, 5),
  suspects: fc.constantFrom(
    { lostFrom: 1_000, takesOne: true },
    { lostFrom: 1, takesOne: true },
    { lostFrom: 1, takesOne: false },
  ),
});

type Step = (queue: QueueBesideModel) => Promise<unknown>;
const step = (does: Step): Step => does;

const claim = request.map((asked) => step((queue) => queue.claim(asked)));
const settle = fc.tuple(nth, end).map(([which, how]) => step((queue) => queue.settle(which, how)));
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .array(draft, { minLength: 1, maxLength: 12 })
        .map((drafts) => step((queue) => queue.trigger(drafts))),
    },
    { weight: 8, arbitrary: claim },
    { weight: 6, arbitrary: settle },
    { weight: 2, arbitrary: nth.map((which) => step((queue) => queue.cancel(which))) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(nth, draft, fc.boolean())
        .map(([which, by, isLater]) => step((queue) => queue.replace(which, by, isLater))),
    },
    { weight: 1, arbitrary: nth.map((which) => step((queue) => queue.retry(which))) },
    { weight: 1, arbitrary: fc.constant(step((queue) => queue.wake())) },
    { weight: 2, arbitrary: fc.constant(step((queue) => queue.sweep())) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(names, ["old"]).map((known) => step((queue) => queue.look(known))),
    },
  ),
  { minLength: 20, maxLength: 120 },
);

const numRuns = Number(process.env["SHERD_ORDER_RUNS"] ?? 60);

describe.each(["node:sqlite in memory", "postgres.js"] as const)(
  "on %s, where every walk is deep",
  (kind) => {
    const database = useDatabase(kind);
    const { reach, batch } = depth;

    beforeAll(async () => {
      const { migrator } = database.adapter();
      await migrator.apply([migrator.kernel]);
      depth.reach = () => 2;
      depth.batch = 3;
      if (kind === "postgres.js") await lowerInDatabase(database.location ?? "");
    });

    afterAll(() => Object.assign(depth, { reach, batch }));

    test("whatever happens to a queue, claims take what they should, in order", async () => {
      const adapter = database.adapter();
      const property = fc.asyncProperty(steps, async (does) => {
        const queue = new QueueBesideModel(adapter);
        for (const one of does) await one(queue);
        await queue.look(names);
        await queue.drain(names);
      });
      await fc.assert(property, { numRuns });
    }, 120_000);
  },
);

async function lowerInDatabase(url: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  const numbers = { "sherd_reach_v1(p_limit integer, p_known integer)": 2, "sherd_batch_v1()": 3 };
  for (const [signature, number] of Object.entries(numbers)) {
    await sql.unsafe(
      `create or replace function ${signature} returns integer language sql immutable as 'select ${number}'`,
    );
  }
  await sql.end();
}
