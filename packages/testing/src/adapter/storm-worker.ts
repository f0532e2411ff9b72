import type { ClaimedItem, Settlement, Storage } from "@sherd/core";
import { claimRequest } from "./claim-request.ts";
import type { QueueUnderTest } from "./queue-under-test.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { completed, released, retryIn } from "./settlement.ts";
import type { End, StormLog } from "./storm-log.ts";

interface StormWorkerOptions {
  readonly name: string;
  readonly q: QueueUnderTest;
  readonly storage: Storage;
  readonly log: StormLog;
  readonly random: SeededRandom;
}

interface Held {
  readonly item: ClaimedItem;
  readonly owner: string;
}

/** A process that does its work in no order that makes sense: late, twice, or not at all. */
export class StormWorker {
  readonly #options: StormWorkerOptions;
  #held: readonly Held[] = [];
  #claims = 0;

  constructor(options: StormWorkerOptions) {
    this.#options = options;
  }

  /** Do one thing at random. */
  async act(): Promise<void> {
    const { random, q } = this.#options;
    const acts = [
      this.#claim,
      this.#claim,
      this.#settle,
      this.#settle,
      this.#settle,
      this.#sweep,
      this.#extend,
    ] as const;
    if (random.below(12) === 0) this.#forget();
    else if (random.below(8) === 0) await q.pass(1 + random.below(8));
    else await random.pick(acts).call(this);
  }

  async #claim(): Promise<void> {
    const { name, q, storage, log, random } = this.#options;
    const owner = `${name}-${this.#claims++}`;
    const leaseMs = random.pick([1, 10, 100]);
    const limit = 1 + random.below(12);
    const { items } = await storage.claim(claimRequest(q.queue, { limit, leaseMs, owner }), []);
    for (const { id } of items) log.claimed(id, owner);
    this.#held = [...this.#held, ...items.map((item) => ({ item, owner }))];
  }

  /** End some of what it holds, and now and then something again that it ended before. */
  async #settle(): Promise<void> {
    const { q, storage, log, random } = this.#options;
    const chosen = this.#held.filter(() => random.below(3) > 0);
    if (random.below(4) > 0) this.#held = this.#held.filter((held) => !chosen.includes(held));
    const ends = chosen.map(({ item }) =>
      random.pick<readonly [End, Settlement]>([
        ["completed", completed(item)],
        ["completed", completed(item)],
        ["failed", retryIn(item, random.below(5))],
        ["released", released(item)],
      ]),
    );
    const at = performance.now();
    const answers = await storage.settle(
      q.queue,
      ends.map(([, settlement]) => settlement),
    );
    for (const [index, { id, result }] of answers.entries()) {
      const owner = chosen[index]?.owner ?? "";
      const end = ends[index]?.[0] ?? "released";
      if (result === "settled") log.ended(id, owner, end, at);
      // Another transaction has its row for a moment; it is still this worker's to end.
      else if (result === "busy") this.#held = [...this.#held, ...chosen.slice(index, index + 1)];
      else if (result !== "lost") throw new Error(`Nobody asked for ${id} to be ${result}.`);
    }
  }

  async #sweep(): Promise<void> {
    const { q, storage, log, random } = this.#options;
    const at = performance.now();
    const { lost } = await storage.sweep(q.queue, 1 + random.below(20), 1000);
    for (const { id, owner } of lost) log.ended(id, owner, "lost", at);
  }

  async #extend(): Promise<void> {
    const { q, storage, random } = this.#options;
    const leases = new Set(this.#held.map(({ item }) => item.lease));
    const { gone } = await storage.extend(q.queue, [...leases], random.pick([1, 10, 50]));
    if (random.below(2) > 0) this.#held = this.#held.filter(({ item }) => !gone.includes(item.lease));
  }

  /** Crash and start anew: what it held is nobody's until the sweep. */
  #forget(): void {
    this.#held = [];
  }
}
