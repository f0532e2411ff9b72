import type { PullStorage } from "@sherd/core";
import type { Executor } from "./executor.ts";
import { find } from "./statements/pulled/find.ts";
import { move } from "./statements/pulled/move.ts";
import { page } from "./statements/pulled/page.ts";
import { pull } from "./statements/pulled/pull.ts";
import { put } from "./statements/pulled/put.ts";
import { remove } from "./statements/pulled/remove.ts";

/** The kernel's verbs over pulled items, one file each. */
export function createPullStorage(executor: Executor): PullStorage {
  return {
    put: async (queue, drafts, refreshes, tx) =>
      drafts.length === 0 ? [] : put(executor, queue, drafts, refreshes, tx),
    pull: (request, tx) => pull(executor, request, tx),
    move: async (queue, moves, tx) => (moves.length === 0 ? [] : move(executor, queue, moves, tx)),
    find: async (queue, keys, tx) => (keys.length === 0 ? [] : find(executor, queue, keys, tx)),
    page: (request, tx) => page(executor, request, tx),
    remove: async (queue, keys, tx) => (keys.length === 0 ? [] : remove(executor, queue, keys, tx)),
  };
}
