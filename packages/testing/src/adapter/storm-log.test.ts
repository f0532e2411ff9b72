import { expect, test } from "vitest";
import { StormLog } from "./storm-log.ts";

const byId = ({ id }: { readonly id: string }) => id;

test("an item that is held by two at once is told", () => {
  const log = new StormLog();
  log.claimed("a", "one");
  log.claimed("a", "two");
  log.ended("a", "one", "completed", performance.now() + 1);
  expect(log.overlaps(byId).map((pair) => pair.map(({ owner }) => owner))).toEqual([["one", "two"]]);
});

test("an item that is held by one after the other is fine", () => {
  const log = new StormLog();
  for (const owner of ["one", "two", "three"]) {
    log.claimed("a", owner);
    log.ended("a", owner, "failed", performance.now() + 0.001);
    const until = performance.now() + 0.01;
    while (performance.now() < until);
  }
  expect(log.overlaps(byId)).toEqual([]);
  expect(log.attemptsOf("a")).toEqual({ attempts: 3, failures: 3, lost: 0 });
});

test("an end that is told before its claim was answered belongs to that claim", () => {
  const log = new StormLog();
  log.ended("a", "one", "lost", performance.now());
  log.claimed("a", "one");
  log.claimed("a", "two");
  log.ended("a", "two", "completed", performance.now());
  expect(log.overlaps(byId)).toEqual([]);
  expect(log.unended()).toEqual([]);
  expect(log.attemptsOf("a")).toEqual({ attempts: 2, failures: 0, lost: 1 });
});

test("a loss counts although its claim left the item out", () => {
  const log = new StormLog();
  log.ended("a", "one", "lost", performance.now());
  expect(log.attemptsOf("a")).toEqual({ attempts: 1, failures: 0, lost: 1 });
});

test("an item that ends twice under one lease is told", () => {
  const log = new StormLog();
  log.claimed("a", "one");
  log.ended("a", "one", "completed", performance.now());
  expect(() => log.ended("a", "one", "lost", performance.now())).toThrow("one ended a as lost");
});

test("an item whose end nobody was told of is told", () => {
  const log = new StormLog();
  log.claimed("a", "one");
  expect(log.unended()).toMatchObject([{ id: "a", owner: "one" }]);
});
