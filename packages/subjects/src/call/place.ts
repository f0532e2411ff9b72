import {
  type PullDue,
  type PulledMove,
  type PullMove,
  type PullStorage,
  type Transaction,
} from "@sherd/core";
import { invalidRequest } from "../errors.ts";
import { queueOf, type SubjectInternals } from "../internals.ts";
import type { Pool } from "../pool.ts";
import type { CallScope } from "./scope.ts";

/** The pool that a call is about. */
export interface PoolPlace {
  readonly dispatcherId: string;
  readonly queue: string;
  readonly pool: Pool;
}

/** Where the calls of one profile take effect, in one scope. */
export class CallPlace {
  readonly internals: SubjectInternals;
  readonly #scope: CallScope;

  constructor(internals: SubjectInternals, scope: CallScope) {
    this.internals = internals;
    this.#scope = scope;
  }

  poolOf(call: string, dispatcherId: string): PoolPlace {
    const { pools } = this.internals;
    const pool = Object.hasOwn(pools, dispatcherId) ? pools[dispatcherId] : undefined;
    if (pool !== undefined) return { dispatcherId, pool, queue: queueOf(this.internals, dispatcherId) };
    const known = Object.keys(pools).join(", ");
    throw invalidRequest(call, "dispatcherId", dispatcherId, `one of the pools that there are (${known})`);
  }

  /** Run a verb. `dueInMs`: in how many milliseconds something is due that was not before; null when nothing is. */
  run<T>(
    queue: string,
    verb: (pull: PullStorage, tx: Transaction | undefined) => Promise<T>,
    dueInMs: number | null = null,
  ): Promise<T> {
    const { adapter } = this.internals;
    return this.#scope.run(queue, (tx) => verb(adapter.pull, tx), dueInMs);
  }

  move(queue: string, moves: readonly PullMove[]): Promise<readonly PulledMove[]> {
    return this.run(queue, (pull, tx) => pull.move(queue, moves, tx), this.#dueInMs(moves));
  }

  /** How long until `at`, in milliseconds, as this process's clock has it: for wake-ups alone. */
  waitMs(at: number): number {
    return Math.max(0, at - this.internals.clock.now());
  }

  #dueInMs(moves: readonly PullMove[]): number | null {
    const waits = moves.flatMap(({ due }) => this.#waitsOf(due));
    return waits.length === 0 ? null : Math.min(...waits);
  }

  #waitsOf(due: PullDue | null): readonly number[] {
    if (due === null || due.kind === "never") return [];
    return [due.kind === "in" ? due.ms : this.waitMs(due.at)];
  }
}
