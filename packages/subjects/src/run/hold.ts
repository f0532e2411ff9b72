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
 * One claim of a subject in the hands of its run, which need not know revisions: one call follows the other. Calls go out at
 * the last revision that is known to have committed: one of a transaction that was rolled back may be somebody else's by
 * now. Where the subject is further than that, as long as its lease is this claim's, nobody else has changed it,
 * and the call is made again at the revision that it has. But not in a transaction, when it is further than this run
 * has seen: one before has committed although its answer was lost, and what is written beside the checkpoint would be there
 * twice. That one is refused, and the run goes on from where the subject is.
 */
export class Hold {
  readonly lease: string;
  readonly #send: Send;
  #item: PulledItem;
  #committed: PulledItem;
  #triedAt: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(item: PulledItem, send: Send) {
    this.#item = item;
    this.#committed = item;
    this.#triedAt = item.revision;
    this.lease = item.lease ?? "";
    this.#send = send;
  }

  /** As the last call left it, also one in a transaction that is not over. */
  get item(): PulledItem {
    return this.#item;
  }

  /** The transaction in which a call had this answer has committed. */
  commit(item: PulledItem): void {
    this.#committed = item;
  }

  /** A transaction did not commit. */
  rollBack(): void {
    this.#item = this.#committed;
  }

  /** Make a move after all that were made before. Its answer may be a refusal. */
  move(make: (fence: PullFence) => PullMove, tx?: Transaction): Promise<PulledMove> {
    const answer = this.#last.then(() => this.#move(make, tx));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #move(make: (fence: PullFence) => PullMove, tx: Transaction | undefined): Promise<PulledMove> {
    let answer = await this.#try(make(this.#committed), tx);
    const { item } = answer;
    if (answer.result === "conflict" && item !== null && item.lease === this.lease) {
      if (tx !== undefined && item.revision > this.#item.revision) {
        this.#item = item;
        this.#committed = item;
        return answer;
      }
      answer = await this.#try(make(item), tx);
    }
    if (answer.result === "moved" && answer.item !== null) {
      this.#item = answer.item;
      if (tx === undefined) this.#committed = answer.item;
    }
    return answer;
  }

  #try(move: PullMove, tx: Transaction | undefined): Promise<PulledMove> {
    this.#triedAt = move.revision;
    return this.#send(move, tx);
  }

  /**
   * Let go, also when the database fails in between: `again` resolves when it is to be tried again, with false when not.
   * Rejects when it is not.
   */
  async end(
    make: (fence: PullFence) => PullMove,
    again: (error: unknown) => Promise<boolean>,
  ): Promise<PulledMove> {
    /** What took effect, perhaps. */
    let unclear: PullMove | null = null;
    for (;;) {
      try {
        const answer = await this.move(make);
        return unclear === null ? answer : asEnded(answer, unclear);
      } catch (error) {
        if (isSherdError(error)) unclear = { ...make(this.#item), revision: this.#triedAt };
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
