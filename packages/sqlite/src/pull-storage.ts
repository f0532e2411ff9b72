import type { PullStorage, Transaction } from "@sherd/core";
import type { SqliteClock } from "./clock.ts";
import type { Executor } from "./executor.ts";
import type { Script } from "./script.ts";
import { readByKey, readPage } from "./statements/pulled/item.ts";
import { move } from "./statements/pulled/move.ts";
import { pull } from "./statements/pulled/pull.ts";
import { put } from "./statements/pulled/put.ts";
import { remove } from "./statements/pulled/remove.ts";

/** The kernel's verbs over pulled items as scripts on an executor, like those of `sqliteStorage`. */
export function sqlitePullStorage(run: Executor, { now }: SqliteClock): PullStorage {
  const write = <T>(verb: string, tx: Transaction | undefined, script: () => Script<T>) =>
    tx === undefined ? run.write(verb, script) : run.inside(tx, verb, script);
  const read = <T>(verb: string, tx: Transaction | undefined, script: () => Script<T>) =>
    tx === undefined ? run.read(verb, script) : run.inside(tx, verb, script);
  return {
    put: async (queue, drafts, refreshes, tx) =>
      drafts.length === 0 ? [] : write("put", tx, () => put(queue, drafts, refreshes, now())),
    pull: (request, tx) => write("pull", tx, () => pull(request, now(), () => crypto.randomUUID())),
    move: async (queue, moves, tx) =>
      moves.length === 0 ? [] : write("move", tx, () => move(queue, moves, now())),
    async find(queue, keys, tx) {
      if (keys.length === 0) return [];
      const found = await read("find", tx, () => readByKey(queue, keys));
      return keys.map((key) => found.get(key)?.item ?? null);
    },
    page: ({ queue, phase, after, limit }, tx) =>
      read("page", tx, () => readPage(queue, phase, after ?? "", limit)),
    remove: async (queue, keys, tx) =>
      keys.length === 0 ? [] : write("remove", tx, () => remove(queue, keys)),
  };
}
