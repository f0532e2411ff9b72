/** When bodies are read, and what comes between a claim's lease and its bodies where that is in two steps. */
import { expect, onTestFinished, test } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { migrated, openLibsql, temporaryFile } from "./databases.ts";
import { claim, ended, enqueue, newItem, queue } from "./items.ts";

/** Two processes: one claims, and `between` is what the other does before the bodies are read. */
async function open() {
  const path = temporaryFile();
  const state: { between: (() => Promise<unknown>) | null } = { between: null };
  const adapter = await migrated(await openLibsql(path), {
    async onStatement({ statement, phase }) {
      if (statement !== "read-bodies" || phase !== "before") return;
      const once = state.between;
      state.between = null;
      await once?.();
    },
  });
  const other = sqliteAdapter(path);
  onTestFinished(() => other.close());
  return { adapter, other, state };
}

test("an item that is replaced in between is not handed out, and waits as its replacement says", async () => {
  const { adapter, other, state } = await open();
  const [item, mate] = await enqueue(adapter, { key: "a" }, {});
  const dueAt = Date.now() + 3_600_000;
  const late = newItem({ key: "a", body: "2", dueAt, onConflict: "replace" });
  state.between = () => other.transaction((tx) => other.storage.enqueue(tx, [late]));
  const { items } = await claim(adapter);
  expect(items.map(({ id }) => id)).toEqual([mate?.id]);
  expect(await adapter.storage.get(queue, item?.id ?? "")).toMatchObject({
    state: "timed",
    dueAt,
    held: false,
    body: "2",
    attempts: 0,
  });
  const outcomes = items.map((claimed) => ended(claimed));
  expect(await adapter.storage.settle(queue, outcomes)).toMatchObject([{ result: "settled" }]);
});

test("an item whose cancellation is requested in between ends as cancelled, and its lease with it", async () => {
  const { adapter, other, state } = await open();
  const [item] = await enqueue(adapter, {});
  const id = item?.id ?? "";
  state.between = async () => expect(await other.storage.cancel(queue, id)).toBe("requested");
  expect((await claim(adapter)).items).toEqual([]);
  expect(await adapter.storage.get(queue, id)).toMatchObject({ outcome: "cancelled", attempts: 0 });
  expect(await adapter.storage.nextWakeInMs(queue, ["deliver"])).toBeNull();
});

test("a claim that cannot read its bodies leaves no lease, and no loss is counted", async () => {
  const { adapter, state } = await open();
  await enqueue(adapter, {}, {});
  state.between = () => Promise.reject(new Error("cut"));
  await expect(claim(adapter)).rejects.toThrow("cut");
  expect((await claim(adapter)).items).toMatchObject([{ lost: 0 }, { lost: 0 }]);
});

test.each([
  [
    "small ones with the claim, which they do not hold up",
    1_000,
    ["begin", "pick", "insert-leases", "commit"],
  ],
  [
    "large ones once the write lock is gone, so that a frozen reader holds up no other",
    1_100,
    ["begin", "pick", "insert-leases", "commit", "read-bodies"],
  ],
])("where bodies are at hand they are read: %s", async (_, bytes, expected) => {
  const statements: string[] = [];
  const adapter = await migrated(":memory:", {
    onStatement: ({ verb, statement, phase }) => {
      if (verb === "claim" && phase === "after") statements.push(statement);
    },
  });
  const body = JSON.stringify("x".repeat(bytes));
  await enqueue(adapter, { body: "1", trace: "2" }, { body, trace: '"3"' });
  expect((await claim(adapter)).items).toMatchObject([
    { body: "1", trace: "2" },
    { body, trace: '"3"' },
  ]);
  expect(statements).toEqual(expected);
});
