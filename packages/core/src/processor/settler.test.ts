import { expect, test } from "vitest";
import type { Storage } from "../adapter/storage.ts";
import { ManualClock } from "../clock/manual-clock.test-support.ts";
import { SherdError } from "../errors.ts";
import type { SettledItem, Settlement } from "../kernel/item.ts";
import type { Attempt } from "./attempt.ts";
import { type Ended, Settler } from "./settler.ts";

type Answer = (ids: readonly string[]) => void | Promise<void>;

const passing = new SherdError("DATABASE_UNAVAILABLE", "Down.", { verb: "settle" });
const lasting = new SherdError("NOT_MIGRATED", "No tables.", { scope: null, missing: [] });

function ended(id: string): Ended {
  const body = id.startsWith("large") ? "x".repeat(3_000_000) : "{}";
  return {
    attempt: { id, item: { body } } as unknown as Attempt,
    settlement: { id } as Settlement,
    error: null,
  };
}

/** A settler over a database that answers each call as told; what is told last holds for those after. */
function begin(...answers: readonly Answer[]) {
  const clock = new ManualClock();
  const calls: string[][] = [];
  const settled: string[] = [];
  const refused: (readonly [string, unknown])[] = [];
  const errors: unknown[] = [];
  const settle: Storage["settle"] = async (queue, outcomes) => {
    expect(queue).toBe("hook/shop");
    const ids = outcomes.map(({ id }) => id);
    calls.push(ids);
    await (answers[calls.length - 1] ?? answers.at(-1))?.(ids);
    const isFirst = (id: string) => calls.flat().filter((seen) => seen === id).length === 1;
    return ids.map((id): SettledItem => {
      if (id.startsWith("late")) return { id, result: "lost" };
      return { id, result: id.startsWith("locked") && isFirst(id) ? "busy" : "settled" };
    });
  };
  const settler = new Settler({
    storage: { settle } as Storage,
    queue: "hook/shop",
    clock,
    random: () => 0.5,
    onSettled: (batch, results) =>
      settled.push(...batch.map(({ settlement }, index) => `${settlement.id}: ${results[index]}`)),
    onRefused: ({ settlement }, error) => refused.push([settlement.id, error]),
    onError: (error) => errors.push(error),
  });
  const push = (...ids: readonly string[]) => ids.forEach((id) => settler.push(ended(id)));
  return { clock, calls, settled, refused, errors, settler, push };
}

const fail = (error: unknown) => () => {
  throw error;
};
const answer = () => {};

/** A call that stays open until the test answers it. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { answer: () => promise, release: resolve };
}

test("what ends in one turn is settled in one batch, in order", async () => {
  const { clock, calls, settled, push } = begin();
  push("a", "late-b", "c");
  expect(calls).toEqual([]);
  await clock.turn();
  expect(calls).toEqual([["a", "late-b", "c"]]);
  expect(settled).toEqual(["a: settled", "late-b: lost", "c: settled"]);
});

test("what ends while a batch is under way goes with the next, and nothing waits when none is", async () => {
  const first = held();
  const { clock, calls, push } = begin(first.answer, answer);
  push("a");
  await clock.turn();
  push("b");
  push("c");
  await clock.turn();
  expect(calls).toEqual([["a"]]);
  first.release();
  await clock.turn();
  expect(calls).toEqual([["a"], ["b", "c"]]);
  push("d");
  await clock.turn();
  expect(calls).toEqual([["a"], ["b", "c"], ["d"]]);
});

test("no batch is larger than 1,000", async () => {
  const { clock, calls, settled, push } = begin();
  push(...Array.from({ length: 2_001 }, (_, index) => `${index}`));
  await clock.turn();
  expect(calls.map(({ length }) => length)).toEqual([1_000, 1_000, 1]);
  expect(settled).toEqual(calls.flat().map((id) => `${id}: settled`));
});

test("no batch has payloads of more than eight million characters, unless it is one", async () => {
  const { clock, calls, push } = begin();
  push("large 1", "small", "large 2", "large 3", "large 4");
  await clock.turn();
  expect(calls).toEqual([
    ["large 1", "small", "large 2"],
    ["large 3", "large 4"],
  ]);
});

test("a batch that fails for a passing reason is sent again until the database answers", async () => {
  const { clock, calls, settled, refused, errors, push } = begin(fail(passing), fail(passing), answer);
  push("a", "b");
  await clock.turn();
  expect([calls.length, settled]).toEqual([1, []]);
  await clock.advance(1_000);
  expect(calls).toEqual([
    ["a", "b"],
    ["a", "b"],
    ["a", "b"],
  ]);
  expect(settled).toEqual(["a: settled", "b: settled"]);
  expect([refused, errors]).toEqual([[], [passing, passing]]);
});

test("the pauses between sends double, up to five seconds", async () => {
  const answers = Array.from({ length: 14 }, () => fail(passing));
  const { clock, settled, push } = begin(...answers, answer);
  push("a");
  await clock.turn();
  await clock.advance(60_000);
  const long = Array.from({ length: 7 }, () => 5_000);
  expect(clock.delays).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, ...long]);
  expect(settled).toEqual(["a: settled"]);
});

test("an outcome that the database refuses for good is told of, and not sent again", async () => {
  const { clock, calls, settled, refused, errors, push } = begin(fail(lasting), answer);
  push("a");
  await clock.turn();
  expect([calls, settled, refused, errors]).toEqual([[["a"]], [], [["a", lasting]], [lasting]]);
  push("b");
  await clock.turn();
  expect(settled).toEqual(["b: settled"]);
});

test("one outcome that the database refuses does not take its batch with it", async () => {
  const poison = new Error("value out of range");
  const { clock, calls, settled, refused, push } = begin((ids) => {
    if (ids.includes("bad")) throw poison;
  });
  push("a", "bad", "c");
  await clock.turn();
  expect(calls).toEqual([["a", "bad", "c"], ["a"], ["bad"], ["c"]]);
  expect([settled, refused]).toEqual([["a: settled", "c: settled"], [["bad", poison]]]);
});

test("once abandoned, nothing that fails is sent again", async () => {
  const { clock, calls, refused, settler, push } = begin(fail(passing));
  settler.abandon();
  push("a", "b");
  await clock.turn();
  expect(calls).toEqual([["a", "b"]]);
  expect(refused).toEqual([
    ["a", passing],
    ["b", passing],
  ]);
  expect(clock.timers).toBe(0);
});

test("abandoned during a pause, what waits is tried one last time", async () => {
  const { clock, calls, refused, settler, push } = begin(fail(passing));
  push("a");
  await clock.turn();
  settler.abandon();
  await clock.advance(60_000);
  expect([calls.length, refused]).toEqual([2, [["a", passing]]]);
});

test("what still succeeds after it was abandoned is settled", async () => {
  const { clock, settled, settler, push } = begin(answer);
  settler.abandon();
  push("a");
  await clock.turn();
  expect(settled).toEqual(["a: settled"]);
});

test("what another transaction has locked is sent again later, and holds up nothing else", async () => {
  const { clock, calls, settled, push } = begin();
  push("locked", "a");
  await clock.turn();
  push("b");
  await clock.turn();
  expect(settled).toEqual(["a: settled", "b: settled"]);
  await clock.advance(100);
  expect(calls).toEqual([["locked", "a"], ["b"], ["locked"]]);
  expect(settled).toEqual(["a: settled", "b: settled", "locked: settled"]);
});

test("once abandoned, what is locked is refused instead of sent again", async () => {
  const { clock, refused, settler, push } = begin();
  push("locked");
  settler.abandon();
  await clock.turn();
  expect(refused).toEqual([["locked", null]]);
});
