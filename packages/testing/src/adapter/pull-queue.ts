import type { DatabaseAdapter, PullDraft, PulledItem, PulledMove, PullMove, Transaction } from "@sherd/core";
import { expect } from "vitest";
import { uuidv7 } from "./new-item.ts";
import type { QueueUnderTest } from "./queue-under-test.ts";

/** The verbs over pulled items of a queue, with the defaults that most tests want. */
export interface PullQueue {
  /** Have items, due now unless it is said otherwise. */
  put(...drafts: readonly Partial<PullDraft>[]): Promise<readonly PulledItem[]>;
  /** As `put`, but those that are there stay as they are. */
  create(...drafts: readonly Partial<PullDraft>[]): Promise<readonly PulledItem[]>;
  pull(limit?: number, leaseMs?: number): Promise<readonly PulledItem[]>;
  /** Pull, and expect exactly one. */
  pullOne(leaseMs?: number): Promise<PulledItem>;
  pullKeys(limit?: number): Promise<readonly string[]>;
  move(...moves: readonly PullMove[]): Promise<readonly PulledMove[]>;
  /** Move one, and expect it to be accepted. */
  moved(move: PullMove): Promise<PulledItem>;
  find(key: string): Promise<PulledItem>;
}

export function pullQueue(
  { adapter, queue }: Pick<QueueUnderTest, "adapter" | "queue">,
  { owner = "puller", tx }: { readonly owner?: string; readonly tx?: Transaction } = {},
): PullQueue {
  const put = (drafts: readonly Partial<PullDraft>[], refreshes: boolean) =>
    adapter.pull.put(queue, drafts.map(pullDraft), refreshes, tx);
  const pull = (limit = 10, leaseMs = 60_000) => adapter.pull.pull({ queue, limit, leaseMs, owner }, tx);
  const move = (...moves: readonly PullMove[]) => adapter.pull.move(queue, moves, tx);
  return {
    put: (...drafts) => put(drafts, true),
    create: (...drafts) => put(drafts, false),
    pull,
    async pullOne(leaseMs) {
      const items = await pull(2, leaseMs);
      expect(items).toHaveLength(1);
      return items[0] as PulledItem;
    },
    pullKeys: async (limit) => (await pull(limit)).map(({ key }) => key),
    move,
    async moved(one) {
      const [answer] = await move(one);
      expect(answer?.result).toBe("moved");
      return answer?.item as PulledItem;
    },
    async find(key) {
      const [item] = await adapter.pull.find(queue, [key], tx);
      if (item === null || item === undefined) throw new Error(`The queue has no item with the key ${key}.`);
      return item;
    },
  };
}

export function pullDraft(overrides: Partial<PullDraft>): PullDraft {
  return { id: uuidv7(Date.now()), key: "a", revision: 0, ...overrides };
}

/** The same queue as another process sees it. */
export function pullQueueOf(adapter: DatabaseAdapter, queue: string, owner: string): PullQueue {
  return pullQueue({ adapter, queue }, { owner });
}
