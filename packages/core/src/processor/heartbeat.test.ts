import { expect, test } from "vitest";
import type { Extension, Storage } from "../adapter/storage.ts";
import { ManualClock } from "../clock/manual-clock.test-support.ts";
import type { ClaimedItem } from "../kernel/item.ts";
import { Heartbeat } from "./heartbeat.ts";
import { LeaseBook } from "./lease-book.ts";

const leaseMs = 30_000;

/** A heartbeat over a database that answers each renewal as told; what is told last holds for those after. */
function begin(...answers: readonly (() => void | Promise<void>)[]) {
  const clock = new ManualClock();
  const startedAt = clock.now();
  const leases = new LeaseBook();
  const beats: (readonly string[])[] = [];
  const times: number[] = [];
  const extensions: Extension[] = [];
  const errors: unknown[] = [];
  const extend: Storage["extend"] = async (queue, asked, forMs) => {
    expect([queue, forMs]).toEqual(["hook/shop", leaseMs]);
    beats.push(asked);
    times.push(clock.now() - startedAt);
    await (answers[beats.length - 1] ?? answers.at(-1))?.();
    return { gone: [], cancelled: [`cancelled-${beats.length}`] };
  };
  const heartbeat = new Heartbeat({
    storage: { extend } as Storage,
    queue: "hook/shop",
    leaseMs,
    openLeases: () => leases.open(),
    clock,
    onExtended: (extension) => extensions.push(extension),
    onError: (error) => errors.push(error),
  });
  const claim = (...names: readonly string[]) => {
    leases.add(names.map((lease) => ({ lease }) as ClaimedItem));
    heartbeat.start();
  };
  return { clock, leases, beats, times, extensions, errors, heartbeat, claim };
}

/** A renewal that stays open until the test answers it. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { answer: () => promise, release: resolve };
}

const answer = () => {};

test("all leases are renewed in one statement, at a third of their life, while there are any", async () => {
  const { clock, leases, beats, times, claim } = begin();
  claim("a", "b");
  await clock.advance(25_000);
  expect([beats, times]).toEqual([
    [
      ["a", "b"],
      ["a", "b"],
    ],
    [10_000, 20_000],
  ]);
  leases.settled("a");
  await clock.advance(10_000);
  expect(beats.at(-1)).toEqual(["b"]);
  leases.settled("b");
  await clock.advance(100_000);
  expect([beats.length, clock.timers]).toEqual([3, 0]);
});

test("it tells what a renewal answered", async () => {
  const { clock, extensions, claim } = begin();
  claim("a");
  await clock.advance(10_000);
  expect(extensions).toEqual([{ gone: [], cancelled: ["cancelled-1"] }]);
});

test("without a lease it does not begin, and asks nothing", async () => {
  const { clock, beats, heartbeat } = begin();
  heartbeat.start();
  await heartbeat.beat();
  await heartbeat.catchUp();
  expect([clock.timers, beats]).toEqual([0, []]);
});

test("begun again while it goes on, it has one timer", async () => {
  const { clock, beats, claim } = begin();
  claim("a");
  await clock.advance(9_000);
  claim("b");
  expect(clock.timers).toBe(1);
  await clock.advance(1_000);
  expect(beats).toEqual([["a", "b"]]);
});

test("begun again during a renewal, it has one timer", async () => {
  const first = held();
  const { clock, claim } = begin(first.answer, answer);
  claim("a");
  await clock.advance(10_000);
  claim("b");
  first.release();
  await clock.turn();
  expect(clock.timers).toBe(1);
});

test("renewals do not overlap: those asked for during one share it", async () => {
  const first = held();
  const { clock, beats, heartbeat, claim } = begin(first.answer, answer);
  claim("a");
  const both = Promise.all([heartbeat.beat(), heartbeat.beat()]);
  await clock.turn();
  expect(beats).toHaveLength(1);
  first.release();
  await both;
  await heartbeat.beat();
  expect(beats).toHaveLength(2);
});

test("a renewal that fails is told of, and the next comes in its time", async () => {
  const down = new Error("connection refused");
  const { clock, times, errors, extensions, claim } = begin(() => {
    throw down;
  }, answer);
  claim("a");
  await clock.advance(20_000);
  expect([times, errors, extensions.length]).toEqual([[10_000, 20_000], [down], 1]);
});

test("before a sweep it catches up if its process stood still, and only then", async () => {
  const { clock, beats, heartbeat, claim } = begin();
  claim("a");
  clock.standStill(15_000);
  await heartbeat.catchUp();
  expect(beats).toEqual([]);
  clock.standStill(1);
  await heartbeat.catchUp();
  expect(beats).toEqual([["a"]]);
  await heartbeat.catchUp();
  expect(beats).toHaveLength(1);
});

test("a renewal counts from when it was sent, not from when it was answered", async () => {
  const first = held();
  const { clock, beats, heartbeat, claim } = begin(first.answer, answer);
  claim("a");
  const beat = heartbeat.beat();
  clock.standStill(16_000);
  first.release();
  await beat;
  await heartbeat.catchUp();
  expect(beats).toHaveLength(2);
});

test("a renewal that failed does not count", async () => {
  const { clock, beats, heartbeat, claim } = begin(() => {
    throw new Error("down");
  }, answer);
  claim("a");
  clock.standStill(16_000);
  await heartbeat.beat();
  await heartbeat.catchUp();
  expect(beats).toHaveLength(2);
});

test("stopped, it renews no more, until it is begun again", async () => {
  const { clock, beats, heartbeat, claim } = begin();
  heartbeat.stop();
  claim("a");
  heartbeat.stop();
  await clock.advance(100_000);
  expect(beats).toEqual([]);
  heartbeat.start();
  await clock.advance(10_000);
  expect(beats).toEqual([["a"]]);
});

test("stopped during a renewal, it renews no more", async () => {
  const first = held();
  const { clock, beats, heartbeat, claim } = begin(first.answer, answer);
  claim("a");
  await clock.advance(10_000);
  heartbeat.stop();
  first.release();
  await clock.advance(100_000);
  expect([beats.length, clock.timers]).toEqual([1, 0]);
});
