import type {
  DatabaseAdapter,
  PulledItem,
  PulledMove,
  PullMove,
  PullStorage,
  Transaction,
} from "@sherd/core";
import type { Mutant } from "./mutants.ts";

function withPull(adapter: DatabaseAdapter, verbs: Partial<PullStorage>): DatabaseAdapter {
  return { ...adapter, pull: { ...adapter.pull, ...verbs } };
}

/** Move takes its caller's word: what has another revision by now is moved all the same. */
export const withoutTheRevisionFence: Mutant = (adapter) =>
  withPull(adapter, {
    async move(queue, moves, tx) {
      const items = await adapter.pull.find(
        queue,
        moves.map(({ key }) => key),
        tx,
      );
      const current = moves.map((move, index) => ({ ...move, revision: items[index]?.revision ?? 0 }));
      return adapter.pull.move(queue, current, tx);
    },
  });

/** Pull takes what is due or held, whether or not the lease is live. */
export const withPullsOfLiveLeases: Mutant = (adapter, database) =>
  withPull(adapter, {
    async pull(request, tx) {
      const live = database
        .prepare("SELECT id, expires_at FROM sherd_lease WHERE queue = ?")
        .all(request.queue);
      const setExpiry = database.prepare("UPDATE sherd_lease SET expires_at = ? WHERE id = ?");
      for (const row of live) setExpiry.run(0, row["id"] as string);
      try {
        return await adapter.pull.pull(request, tx);
      } finally {
        for (const row of live) setExpiry.run(row["expires_at"] as number, row["id"] as string);
      }
    },
  });

interface Waiting {
  readonly queue: string;
  readonly moves: readonly PullMove[];
}

/** Checkpoints of a transaction are answered at once, and written when it has committed. */
export const withCheckpointsAfterTheCommit: Mutant = (adapter) =>
  withMovesBeside(adapter, {
    move: async (tx, { queue, moves }) => {
      const keys = moves.map(({ key }) => key);
      const items = await adapter.pull.find(queue, keys, tx);
      return moves.map((move, index) => asMoved(move, items[index] ?? null));
    },
    writes: (isCommitted) => isCommitted,
  });

function asMoved(move: PullMove, item: PulledItem | null): PulledMove {
  if (item === null) return { result: "missing", item };
  if (item.revision !== move.revision) return { result: "conflict", item };
  const { memo = item.memo, phase } = move;
  return { result: "moved", item: { ...item, memo, phase, revision: item.revision + 1 } };
}

/** Checkpoints of a transaction that was rolled back are written again. */
export const withCheckpointsKeptAfterARollback: Mutant = (adapter) =>
  withMovesBeside(adapter, {
    move: (tx, { queue, moves }) => adapter.pull.move(queue, moves, tx),
    writes: (isCommitted) => !isCommitted,
  });

function withMovesBeside(
  adapter: DatabaseAdapter,
  mutant: {
    readonly move: (tx: Transaction, waiting: Waiting) => Promise<readonly PulledMove[]>;
    readonly writes: (isCommitted: boolean) => boolean;
  },
): DatabaseAdapter {
  const waiting = new WeakMap<Transaction, Waiting[]>();
  return {
    ...withPull(adapter, {
      async move(queue, moves, tx) {
        if (tx === undefined) return adapter.pull.move(queue, moves);
        waiting.get(tx)?.push({ queue, moves });
        return mutant.move(tx, { queue, moves });
      },
    }),
    async transaction(run) {
      const own: Waiting[] = [];
      let isCommitted = false;
      try {
        const answer = await adapter.transaction((tx) => {
          waiting.set(tx, own);
          return run(tx);
        });
        isCommitted = true;
        return answer;
      } finally {
        if (mutant.writes(isCommitted))
          for (const { queue, moves } of own) await adapter.pull.move(queue, moves);
      }
    },
  };
}
