import { DatabaseSync } from "node:sqlite";
import { pullMoves } from "@sherd/core";
import { onTestFinished, describe, expect, test } from "vitest";
import type { SqlValue } from "../src/connection.ts";
import { migrations } from "../src/migrations/index.ts";
import type { Script } from "../src/script.ts";
import { cancel } from "../src/statements/cancel.ts";
import { claim, readClaimed } from "../src/statements/claim.ts";
import { closeLeases } from "../src/statements/close-leases.ts";
import { count } from "../src/statements/count.ts";
import { enqueue } from "../src/statements/enqueue.ts";
import { extend } from "../src/statements/extend.ts";
import { get } from "../src/statements/get.ts";
import { hold } from "../src/statements/hold.ts";
import { list } from "../src/statements/list.ts";
import { nextWakeInMs } from "../src/statements/next-wake.ts";
import { prune } from "../src/statements/prune.ts";
import { readPage } from "../src/statements/pulled/item.ts";
import { move } from "../src/statements/pulled/move.ts";
import { pull } from "../src/statements/pulled/pull.ts";
import { put } from "../src/statements/pulled/put.ts";
import { remove } from "../src/statements/pulled/remove.ts";
import { retry } from "../src/statements/retry.ts";
import { settle } from "../src/statements/settle.ts";
import { sweep } from "../src/statements/sweep.ts";
import { wake } from "../src/statements/wake.ts";
import { newItem } from "./items.ts";

const request = { queue: "q", names: ["n"], limit: 1, leaseMs: 1, owner: "o" };
const outcome = { id: "i", lease: "l", revision: 0, outcome: null, delayMs: null, gate: null, error: null };
const completed = { ...outcome, state: "done", outcome: "completed", failed: false, lost: false } as const;
const released = { ...outcome, state: "ready", failed: true, lost: false } as const;
const list1 = (status: "pending" | "processing" | "failed" | "completed") =>
  list("q", { status, limit: 1, cursor: null });
const held = ["i", 1, 0, 0, "ready", null, null, 0, 0, 0, 2];
const keyed = ["i", 1, 0, 0, "ready", null, null, 0, 0, 0, null];
const picked = [1, null, 0, 0, "i", "n", 0, 1, "none", null, 0, null, null] as const;
const keyedPick = [1, "k", ...picked.slice(2)];
const remote = { randomId: () => "l", local: false, paysByRow: false };
const local = { randomId: () => "l", local: true, paysByRow: false };
const pulledRow: SqlValue[] = [
  1,
  "i",
  "k",
  "leased",
  "1",
  "1",
  0,
  "o",
  "l",
  9,
  1,
  0,
  0,
  null,
  3,
  0,
  null,
  null,
  0,
  0,
];
const lost = [1, "i", "n", 0, "ready", null, null, 0, 0, 0, 9, 0];

/** A script, what its statements answer in turn, and the indexes that each statement has to use. */
const scripts: Readonly<
  Record<string, readonly [Script<unknown>, SqlValue[][][], Record<string, string[]>]>
> = {
  "claim, bodies later": [
    claim(request, [], 0, remote),
    [],
    { pick: ["sherd_item_ready", "sherd_lease_queue"] },
  ],
  claim: [
    claim(request, ["l"], 0, local),
    [[], [[...picked]]],
    {
      "close-leases": ["PRIMARY"],
      pick: ["sherd_item_ready", "sherd_lease_queue"],
    },
  ],
  "claim, with concurrency keys": [
    claim(request, [], 0, local),
    [[keyedPick], [["k"], [null]], [], [[1]], [], [keyedPick]],
    {
      "find-busy": [
        "sherd_lease_queue",
        "sherd_item_blocking",
        "sherd_item_suspect",
        "sherd_item_blocked",
        "ROWID",
      ],
      "pick-free": ["sherd_item_ready", "sherd_lease_queue", "ROWID"],
      measure: ["sherd_item_ready", "sherd_lease_queue"],
      block: ["sherd_item_ready", "sherd_lease_queue", "ROWID"],
      unblock: ["sherd_item_blocked", "ROWID"],
    },
  ],
  "claimed items": [
    readClaimed({ items: [{ row: picked, lease: "l" }], more: false }),
    [],
    { "read-bodies": ["ROWID"] },
  ],
  closeLeases: [closeLeases(["l"]), [], { "close-leases": ["PRIMARY"] }],
  sweep: [
    sweep("q", 1, 3, 0),
    [[], [["o", "[1]", "{}"]], [lost]],
    {
      promote: ["sherd_item_timed", "ROWID"],
      "end-leases": ["sherd_lease_queue", "PRIMARY"],
      "read-lost": ["ROWID"],
      "change-items": ["ROWID"],
    },
  ],
  settle: [
    settle("q", [completed], 0),
    [[["l", "[1]"]], [held]],
    {
      "read-leases": ["PRIMARY"],
      "read-items": ["sherd_item_id"],
      "insert-history": ["ROWID"],
      "delete-finished": ["ROWID"],
    },
  ],
  "settle, with more to say of an item": [
    settle("q", [completed], 0),
    [[["l", "[1]"]], [keyed], [[1, 2]]],
    { "measure-finished": ["ROWID"], "insert-history": ["ROWID"], "delete-finished": ["ROWID"] },
  ],
  "settle, going back": [
    settle("q", [released], 0),
    [[["l", "[1]"]], [held]],
    { "change-items": ["ROWID"], "write-leases": ["PRIMARY"] },
  ],
  enqueue: [
    enqueue([newItem({ key: "k", onConflict: "replace" })], 0, { local: true, paysByRow: false }),
    [[["hook/test", "k", "i", "c", "n"]]],
    { "find-key-holders": ["sherd_item_key"], replace: ["sherd_item_id"], unblock: ["sherd_item_blocked"] },
  ],
  extend: [
    extend("q", ["l"], 0),
    [],
    { renew: ["PRIMARY"], "read-cancelled": ["sherd_item_cancel", "PRIMARY"] },
  ],
  hold: [hold("l", "i"), [], { hold: ["PRIMARY", "sherd_item_id"] }],
  wake: [wake("q", ["k"]), [], { wake: ["sherd_item_key"] }],
  nextWakeInMs: [
    nextWakeInMs("q", ["n"], 0),
    [],
    { "next-wake": ["sherd_item_ready", "sherd_item_timed", "sherd_lease_queue"] },
  ],
  cancel: [
    cancel("q", "i", 0),
    [],
    { "read-item": ["sherd_item_id"], "find-in-history": ["sherd_history_ids"] },
  ],
  retry: [
    retry("q", "i", 0),
    [[[1, "done", "k"]]],
    { "find-key-holder": ["sherd_item_key"], "find-leases": ["sherd_lease_queue"], retry: ["ROWID"] },
  ],
  get: [get("q", "i"), [], { get: ["sherd_item_id"], "read-history": ["sherd_history_ids"] }],
  count: [
    count("q", 0),
    [[[0, 0, 0, 0, 0, null, null, null]]],
    {
      count: [
        "sherd_item_ready",
        "sherd_item_blocked",
        "sherd_item_timed",
        "sherd_item_parked",
        "sherd_item_done",
        "sherd_history_finished",
      ],
    },
  ],
  "list pending": [list1("pending"), [], { list: ["ROWID"] }],
  "list processing": [list1("processing"), [], { list: ["sherd_lease_queue", "ROWID"] }],
  "list failed": [list1("failed"), [], { list: ["sherd_item_done"] }],
  "list completed": [
    list1("completed"),
    [[[0, 1, 1]], [["q", "completed", 0, 1, '["i"]', '[["n",0,1]]', "1"]]],
    { "find-batches": ["sherd_history_finished"], list: ["ROWID"] },
  ],
  "list completed by name": [
    list("q", { status: "completed", name: "n", limit: 1, cursor: null }),
    [],
    { "find-batches": ["sherd_history_finished"] },
  ],
  "prune failed": [prune("q", "failed", 0, 1), [], { prune: ["sherd_item_done", "ROWID"] }],
  "prune completed": [
    prune("q", "completed", 0, 1),
    [[[1, 1]]],
    { "find-old-batches": ["sherd_history_finished"], prune: ["ROWID"] },
  ],
  "put, and refresh": [
    put("q", [{ id: "i", key: "k", revision: 0, memo: "1" }], true, 0),
    [[pulledRow.with(3, "idle")]],
    { "read-pulled": ["sherd_item_key", "sherd_lease_item"], "refresh-pulled": ["ROWID"] },
  ],
  pull: [
    pull({ queue: "q", limit: 1, leaseMs: 1, owner: "o" }, 0, () => "l"),
    [[[1, "k", 0, 1]]],
    {
      "pick-due": ["sherd_item_timed", "sherd_lease_queue", "ROWID"],
      "take-over": ["sherd_lease_item"],
      take: ["ROWID"],
      "read-pulled": ["sherd_item_key", "sherd_lease_item"],
    },
  ],
  move: [
    move("q", [pullMoves.complete({ key: "k", revision: 3 }, {}, { kind: "never" })], 0),
    [[pulledRow]],
    {
      "read-pulled": ["sherd_item_key", "sherd_lease_item"],
      move: ["ROWID"],
      "let-go": ["sherd_lease_item"],
    },
  ],
  "move, prolonging": [
    move("q", [pullMoves.checkpoint({ key: "k", revision: 3 }, {}, 1)], 0),
    [[pulledRow]],
    { renew: ["sherd_lease_item"] },
  ],
  page: [readPage("q", "idle", "", 1), [], { page: ["sherd_item_key", "sherd_lease_item"] }],
  remove: [remove("q", ["k"]), [[[1, "k"]]], { remove: ["sherd_item_key"], "let-go": ["sherd_lease_item"] }],
};

/** Besides constants, only what was passed as JSON, lists of held ids and busy keys, and what has a limit, are
 * read from end to end. */
const mayScan = /^SCAN (?:CONSTANT ROW|held|near|in_line|\(subquery-\d+\)|(?:\w+(?: EXISTS)?) VIRTUAL TABLE)/;
/** Sorting is for what leases list alone, never for a queue. */
const maySort = new Set([
  "claim, with concurrency keys.block",
  "nextWakeInMs.next-wake",
  "enqueue.find-key-holders",
  "list processing.list",
  "pull.pick-due",
]);

describe("no statement reads a table from end to end, of", () => {
  test.each(Object.entries(scripts))("%s", (verb, [script, answers, expected]) => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    for (const statement of migrations.flatMap(({ sqlite }) => sqlite)) database.exec(statement);
    const used = new Map<string, string>();
    for (
      let step = script.next([]), index = 0;
      step.done !== true;
      step = script.next(answers[index++] ?? [])
    ) {
      const { name, sql } = step.value;
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      const details = plan.map(({ detail }) => String(detail));
      used.set(name, details.join("\n"));
      expect(details.filter((detail) => detail.startsWith("SCAN") && !mayScan.test(detail))).toEqual([]);
      const sorts = details.filter((detail) => detail.includes("TEMP B-TREE"));
      if (!maySort.has(`${verb}.${name}`)) expect(sorts).toEqual([]);
    }
    for (const [name, indexes] of Object.entries(expected)) {
      for (const index of indexes) {
        const pattern = { PRIMARY: /USING PRIMARY KEY \(id=/, ROWID: /INTEGER PRIMARY KEY/ }[index];
        expect(used.get(name), name).toMatch(
          pattern ?? new RegExp(`USING (?:COVERING )?INDEX ${index} \\((?:queue|id|item)=`),
        );
      }
    }
  });
});
