import type { PullStorage, Transaction } from "@sherd/core";
import type { Process } from "./process.ts";
import { nameOf } from "./pulled-items.ts";
import type { World } from "./world.ts";

/** Keeps what a process asks for, outside of whatever makes its adapter worse: this is what may come of it. */
export function watchedPull(real: PullStorage, process: Process, world: World): PullStorage {
  const askedIn = (tx: Transaction | undefined) =>
    tx === undefined ? process.asked : (world.ledger.scopeOf(tx)?.pulled ?? process.asked);
  return {
    ...real,
    async put(queue, drafts, refreshes, tx) {
      const names = drafts.map(({ key }) => nameOf(queue, key));
      const asked = askedIn(tx);
      const items = await during(asked.puts, names, tx, () => real.put(queue, drafts, refreshes, tx));
      const ids = items.map(({ id }) => id);
      if (tx === undefined) world.pulled.answered(ids);
      else asked.answered.push(...ids);
      return items;
    },
    async pull(request, tx) {
      if (tx !== undefined) askedIn(tx).pulls = true;
      return real.pull(request, tx);
    },
    async move(queue, moves, tx) {
      const named = moves.map((move) => ({ name: nameOf(queue, move.key), move }));
      if (tx !== undefined) for (const { name, move } of named) world.pulled.askedInTransaction(name, move);
      return during(askedIn(tx).moves, named, tx, () => real.move(queue, moves, tx));
    },
    async remove(queue, keys, tx) {
      const names = keys.map((key) => nameOf(queue, key));
      return during(askedIn(tx).removals, names, tx, () => real.remove(queue, keys, tx));
    },
  };
}

/** What a call of its own asked for stands until it is answered; in a transaction, until that ends. */
async function during<T, A>(
  list: A[],
  asked: readonly A[],
  tx: Transaction | undefined,
  call: () => Promise<T>,
): Promise<T> {
  list.push(...asked);
  try {
    return await call();
  } finally {
    if (tx === undefined) for (const one of asked) list.splice(list.indexOf(one), 1);
  }
}
