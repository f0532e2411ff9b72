import {
  isSherdError,
  type PulledItem,
  type PulledMove,
  type PullFence,
  type PullMove,
  type Transaction,
} from "@sherd/core";

type Send = (move: PullMove, tx?: Transaction) => Promise<PulledMove>;

/**
 * One claim of a subject in the hands of its run, which need not know revisions: one call follows the other. A checkpoint in
 * a transaction that was rolled back, and a call whose answer was lost, leave another revision behind than was
 * thought; as long as the subject's lease is this claim's, nobody else has changed it, and the call is made again at
 * the revision that it has.
 */
export class Hold {
  readonly lease: string;
  readonly #send: Send;
  #item: PulledItem;
  #last: Promise<unknown> = Promise.resolve();

  constructor(item: PulledItem, send: Send) {
    this.#item = item;
    this.lease = item.lease ?? "";
    this.#send = send;
  }

  get item(): PulledItem {
    return this.#item;
  }

  /** As it was before a transaction that did not commit. */
  reset(item: PulledItem): void {
    this.#item = item;
  }

  /** Make a move after all that were made before. Its answer may be a refusal. */
  move(make: (fence: PullFence) => PullMove, tx?: Transaction): Promise<PulledMove> {
    const answer = this.#last.then(() => this.#move(make, tx));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #move(make: (fence: PullFence) => PullMove, tx: Transaction | undefined): Promise<PulledMove> {
    let answer = await this.#send(make(this.#item), tx);
    const { item } = answer;
    if (answer.result === "conflict" && item !== null && item.lease === this.lease)
      answer = await this.#send(make(item), tx);
    if (answer.result === "moved" && answer.item !== null) this.#item = answer.item;
    return answer;
  }

  /**
   * Let go, also when the database fails in between: `again` resolves when it is to be tried again, with false when not.
   * Rejects when it is not.
   */
  async end(
    make: (fence: PullFence) => PullMove,
    again: (error: unknown) => Promise<boolean>,
  ): Promise<PulledMove> {
    let isUnclear = false;
    for (;;) {
      const before = this.#item;
      try {
        const answer = await this.move(make);
        return isUnclear ? asEnded(answer, make(before)) : answer;
      } catch (error) {
        isUnclear ||= isSherdError(error);
        if (!(await again(error))) throw error;
      }
    }
  }
}

/** An end that took effect although its answer was lost: it alone leads from that revision to the next, in this phase. */
function asEnded(answer: PulledMove, { revision, phase }: PullMove): PulledMove {
  const { result, item } = answer;
  const isOurs =
    item !== null && item.revision === revision + 1 && item.phase === phase && item.lease === null;
  return result === "conflict" && isOurs ? { result: "moved", item } : answer;
}
