import { SherdError } from "@sherd/core";
import { testClock } from "@sherd/testing";
import { expect, test } from "vitest";
import { newItem } from "../test/queues.ts";
import { GroupCommit } from "./group-commit.ts";

const serverError = (code: string, severity = "ERROR") =>
  Object.assign(new Error("it said no"), { code, severity });
const unavailable = (cause: Error) =>
  new SherdError("DATABASE_UNAVAILABLE", "Down.", { verb: "enqueue" }, { cause });
const refusal = serverError("22P02");
const lost = unavailable(serverError("57P01", "FATAL"));

/** A group commit whose inserts stay open until the test answers them. */
function begin() {
  const clock = testClock(0);
  const inserts: (PromiseWithResolvers<void> & { readonly ids: string })[] = [];
  const commits = new GroupCommit((items) => {
    const insert = { ids: items.map(({ id }) => id).join(" "), ...Promise.withResolvers<void>() };
    inserts.push(insert);
    return insert.promise;
  }, clock);
  const ended: string[] = [];
  const commit = (...ids: readonly string[]) => {
    const items = ids.map((id) =>
      newItem("queue", { id, body: id.startsWith("large") ? "x".repeat(250_000) : "{}" }),
    );
    const name = ids.join(" ");
    commits.commit(items).then(
      () => ended.push(name),
      (error: unknown) => ended.push(`${name}: ${error === lost ? "lost" : (error as Error).message}`),
    );
  };
  /** Of the insert that was sent as number `index`; null is that it has committed. */
  const answer = async (index: number, error: unknown = null) => {
    if (error === null) inserts[index]?.resolve();
    else inserts[index]?.reject(error);
    await clock.advance(0);
  };
  return { clock, commits, inserts, commit, answer, ended, sent: () => inserts.map(({ ids }) => ids) };
}

async function microtasks(count = 100): Promise<void> {
  for (let hop = 0; hop < count; hop++) await Promise.resolve();
}

test("one that comes alone goes out at once, and so does the next when it is answered", async () => {
  const { commit, answer, sent, ended } = begin();
  commit("a");
  expect(sent()).toEqual(["a"]);
  await answer(0);
  expect(ended).toEqual(["a"]);
  commit("b");
  expect(sent()).toEqual(["a", "b"]);
});

test("what comes while an insert is under way goes out together, in order, when that is answered", async () => {
  const { commit, answer, sent, ended } = begin();
  for (const name of ["a", "b", "c"]) commit(name);
  commit("d1", "d2");
  expect(sent()).toEqual(["a"]);
  await answer(0);
  expect(sent()).toEqual(["a", "b c d1 d2"]);
  expect(ended).toEqual(["a"]);
  await answer(1);
  expect(ended).toEqual(["a", "b", "c", "d1 d2"]);
});

test("the next one after a lone one does not wait for a turn of the event loop", async () => {
  const { commits, inserts, commit, sent } = begin();
  void commits.commit([newItem("queue", { id: "a" })]).then(() => commit("b"));
  inserts[0]?.resolve();
  await microtasks();
  expect(sent()).toEqual(["a", "b"]);
});

test("what those send next who were answered together goes out together", async () => {
  const { commits, commit, answer, sent } = begin();
  commit("a");
  for (const id of ["b", "c"]) {
    const next = () => microtasks(id === "b" ? 10 : 100).then(() => commit(`after ${id}`));
    void commits.commit([newItem("queue", { id })]).then(next);
  }
  await answer(0);
  await answer(1);
  expect(sent()).toEqual(["a", "b c", "after b after c"]);
});

test("an insert that is not answered holds up what comes after it for 10 ms, once", async () => {
  const { clock, commit, answer, sent, ended } = begin();
  commit("stuck");
  commit("a");
  await clock.advance(9);
  expect(sent()).toEqual(["stuck"]);
  await clock.advance(1);
  expect(sent()).toEqual(["stuck", "a"]);
  commit("b");
  await answer(1);
  expect(sent()).toEqual(["stuck", "a", "b"]);
  await answer(2);
  await clock.advance(1_000);
  commit("c");
  commit("d");
  expect(sent()).toEqual(["stuck", "a", "b", "c"]);
  await answer(0);
  expect(sent()).toEqual(["stuck", "a", "b", "c"]);
  await answer(3);
  expect(sent()).toEqual(["stuck", "a", "b", "c", "d"]);
  expect(ended).toEqual(["a", "b", "stuck", "c"]);
});

test("a full group waits for nobody: by the number of its items, and by their bodies", async () => {
  const { commit, sent } = begin();
  commit("first");
  for (let number = 0; number < 250; number++) commit(`${number}`);
  expect(sent().map((ids) => ids.split(" ").length)).toEqual([1, 250]);
  commit("small");
  commit("large");
  commit("another");
  expect(sent().slice(2)).toEqual(["small large"]);
});

test.each([
  ["a value", refusal],
  ["a conflict with another transaction", unavailable(serverError("40001"))],
  [
    "tables that are missing",
    new SherdError("NOT_MIGRATED", "None.", { scope: null, missing: [] }, { cause: serverError("42P01") }),
  ],
])(
  "a group that is refused for %s is sent again batch by batch, each with an answer of its own",
  async (_, error) => {
    const { commit, answer, sent, ended } = begin();
    commit("a");
    commit("b");
    commit("c1", "c2");
    commit("d");
    await answer(0);
    commit("next");
    await answer(1, error);
    expect(ended).toEqual(["a"]);
    expect(sent()).toEqual(["a", "b c1 c2 d", "b", "c1 c2", "d"]);
    await answer(2);
    await answer(3, refusal);
    await answer(4);
    expect(ended).toEqual(["a", "b", "c1 c2: it said no", "d"]);
    expect(sent().slice(5)).toEqual(["next"]);
  },
);

test.each([
  ["the connection was ended", lost],
  ["the driver lost it", Object.assign(new Error("lost"), { code: "CONNECTION_CLOSED" })],
  ["a pooler answers in the server's place", unavailable(serverError("08P01"))],
  ["the server gave up", serverError("XX000", "PANIC")],
  ["an observer threw", new Error("lost")],
])("a group of which nobody knows whether it has committed is not sent again: %s", async (_, error) => {
  const { commit, answer, sent, ended } = begin();
  for (const name of ["a", "b", "c"]) commit(name);
  await answer(0);
  await answer(1, error);
  expect(sent()).toEqual(["a", "b c"]);
  const what = error === lost ? "lost" : error.message;
  expect(ended).toEqual(["a", `b: ${what}`, `c: ${what}`]);
  commit("d");
  expect(sent()).toEqual(["a", "b c", "d"]);
});

test("one that is refused alone is not sent again", async () => {
  const { commit, answer, sent, ended } = begin();
  commit("a");
  await answer(0, refusal);
  expect([sent(), ended]).toEqual([["a"], ["a: it said no"]]);
});

test("a flush sends what has gathered, and nothing when nothing has", async () => {
  const { commits, commit, answer, sent, ended } = begin();
  commits.flush();
  commit("a");
  commit("b");
  commit("c");
  commits.flush();
  commits.flush();
  expect(sent()).toEqual(["a", "b c"]);
  await answer(1);
  await answer(0);
  expect(ended).toEqual(["b", "c", "a"]);
});
