import type { Clock, NewItem } from "@sherd/core";
import { isRefused } from "./failure.ts";

/** The items of one unit of work, which wants to hear of its own commit. */
interface Batch {
  readonly items: readonly NewItem[];
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

/** In characters of bodies. Larger groups were no faster, and hold up what comes after them for longer. */
const fullGroup = 250_000;
/** What an item counts for beside its body: 250 that have next to none are a full group. */
const itemSize = 1_000;

/** An insert that takes longer, such as one on a connection that is gone, holds up nobody else. */
const patienceMs = 10;

/**
 * Commits batches of items that are all that their transactions write, many in one statement. When none is under way, a
 * batch goes out at once. What comes meanwhile gathers, and goes out as one group, in order, when the one before is
 * answered; at the latest when it is a full group, or the one before has been under way for 10 ms.
 *
 * A batch commits as a whole or not at all, and each call hears of its own: it resolves after the commit that has it. A
 * group that the server refuses is sent again batch by batch, so that one fails no other. A group of which nobody knows
 * whether it has committed is not: each of its calls rejects, although it may have taken effect.
 */
export class GroupCommit {
  readonly #insert: (items: readonly NewItem[]) => Promise<unknown>;
  readonly #clock: Clock;
  #gathered: Batch[] = [];
  #gatheredSize = 0;
  /** Ends the wait of what gathers for the group that was sent last; null when there is no such wait. */
  #stopWaiting: (() => void) | null = null;

  /** `insert` sends one statement that is a transaction by itself. */
  constructor(insert: (items: readonly NewItem[]) => Promise<unknown>, clock: Clock) {
    this.#insert = insert;
    this.#clock = clock;
  }

  /** Insert items without keys. Resolves when they have committed. */
  commit(items: readonly NewItem[]): Promise<void> {
    return new Promise((committed, failed) => {
      this.#gathered.push({ items, committed, failed });
      this.#gatheredSize += items.reduce((size, { body }) => size + itemSize + body.length, 0);
      if (this.#stopWaiting === null || this.#gatheredSize >= fullGroup) this.flush();
    });
  }

  /** Send what has gathered. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const group = this.#gathered;
    this.#gathered = [];
    this.#gatheredSize = 0;
    void this.#send(group, this.#waitFor());
  }

  async #send(group: readonly Batch[], answered: () => void): Promise<void> {
    await this.#commit(group);
    // Those who called together call again together: what they send next may gather for one turn of the event loop.
    if (group.length > 1) this.#clock.soon(answered);
    else answered();
  }

  async #commit(group: readonly Batch[]): Promise<void> {
    try {
      await this.#insert(group.flatMap(({ items }) => items));
    } catch (error) {
      if (group.length > 1 && isRefused(error)) {
        await Promise.all(group.map((batch) => this.#commit([batch])));
      } else for (const { failed } of group) failed(error);
      return;
    }
    for (const { committed } of group) committed();
  }

  /** Have batches gather until the answer is called, or for as long as patience lasts. */
  #waitFor(): () => void {
    this.#stopWaiting?.();
    const end = () => {
      if (this.#stopWaiting !== stop) return;
      stop();
      this.flush();
    };
    const cancelTimer = this.#clock.schedule(end, patienceMs);
    const stop = () => {
      cancelTimer();
      this.#stopWaiting = null;
    };
    this.#stopWaiting = stop;
    return end;
  }
}
