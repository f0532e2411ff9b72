import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Mutex, mutexOf } from "./mutex.ts";

const late = new Error("too late");

function begin() {
  const mutex = new Mutex();
  const log: string[] = [];
  const held = Promise.withResolvers<void>();
  const task = (name: string, until?: Promise<void>) => async () => {
    log.push(`${name} begins`);
    await until;
    log.push(`${name} ends`);
    return name;
  };
  const within = (name: string, waitMs: number) => mutex.runWithin(task(name), waitMs, () => late);
  return { mutex, log, held, task, within };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("tasks run one after the other, in the order in which they came", async () => {
  const { mutex, log, held, task, within } = begin();
  const answers = Promise.all([mutex.run(task("a", held.promise)), within("b", 100), mutex.run(task("c"))]);
  held.resolve();
  expect(await answers).toEqual(["a", "b", "c"]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("a task that fails fails alone", async () => {
  const { mutex, within } = begin();
  const failure = new Error("no");
  const failed = mutex.run(() => Promise.reject(failure));
  const next = within("b", 100);
  await expect(failed).rejects.toBe(failure);
  expect(await next).toBe("b");
});

test("a task whose turn does not come in time is rejected then, and never runs; later ones are not held up by it", async () => {
  const { mutex, log, held, task, within } = begin();
  const first = mutex.run(task("a", held.promise));
  const rejected = expect(within("b", 100)).rejects.toBe(late);
  await vi.advanceTimersByTimeAsync(99);
  const patient = within("c", 100);
  await vi.advanceTimersByTimeAsync(1);
  await rejected;
  held.resolve();
  expect(await Promise.all([first, patient])).toEqual(["a", "c"]);
  expect(log).toEqual(["a begins", "a ends", "c begins", "c ends"]);
});

test("a task that has begun may take as long as it takes", async () => {
  const { held, mutex, task } = begin();
  const first = mutex.runWithin(task("a", held.promise), 100, () => late);
  const second = Promise.withResolvers<void>();
  const next = mutex.runWithin(task("b", second.promise), 1_000, () => late);
  await vi.advanceTimersByTimeAsync(500);
  held.resolve();
  await first;
  await vi.advanceTimersByTimeAsync(5_000);
  second.resolve();
  expect(await next).toBe("b");
  expect(vi.getTimerCount()).toBe(0);
});

test("what a task throws in its turn comes out of runWithin", async () => {
  const { held, mutex, task } = begin();
  void mutex.run(task("a", held.promise));
  const failure = new Error("no");
  const failed = mutex.runWithin(
    () => Promise.reject(failure),
    100,
    () => late,
  );
  held.resolve();
  await expect(failed).rejects.toBe(failure);
});

test("without anybody ahead no timer is made", async () => {
  const { within } = begin();
  const answer = within("a", 100);
  expect(vi.getTimerCount()).toBe(0);
  expect(await answer).toBe("a");
});

test("a database has one mutex", () => {
  const [one, other] = [{}, {}];
  expect(mutexOf(one)).toBe(mutexOf(one));
  expect(mutexOf(one)).not.toBe(mutexOf(other));
});
