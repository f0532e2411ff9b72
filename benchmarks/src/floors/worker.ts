/** The smallest worker that claims in batches, refills its slots, and settles what has ended meanwhile in one batch. */
import type { Payload, WorkOptions } from "../system.ts";

/** What a claim answers; `lease` is whatever the floor fences with. */
export interface Claimed<Lease> {
  readonly id: string;
  readonly lease: Lease;
  readonly body: Payload;
}

export interface FloorStatements<Lease> {
  claim(limit: number): Promise<readonly Claimed<Lease>[]>;
  settle(ended: readonly Claimed<Lease>[]): Promise<void>;
}

export interface FloorWorkerOptions<Lease> {
  readonly statements: FloorStatements<Lease>;
  readonly handler: WorkOptions["handler"];
  readonly slots: number;
  /** The most that one claim or one settle takes. */
  readonly batch: number;
}

/** With fewer free slots than a quarter, a claim waits so long for more. */
const spacingMs = 5;

export class FloorWorker<Lease> {
  readonly #options: FloorWorkerOptions<Lease>;
  #taken = 0;
  #ended: Claimed<Lease>[] = [];
  #isClaiming = false;
  #isSettling = false;
  #isEmpty = false;
  #wasWoken = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: FloorWorkerOptions<Lease>) {
    this.#options = options;
  }

  /** There may be more to claim. */
  wake(): void {
    this.#wasWoken = true;
    this.#isEmpty = false;
    this.#refill();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (this.#taken > 0 || this.#isClaiming) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  #refill(hasWaited = false): void {
    if (this.#isStopped) return this.#tellIdle();
    const { slots, batch } = this.#options;
    const free = Math.min(batch, slots - this.#taken);
    if (this.#isEmpty || this.#isClaiming || free <= 0) return;
    if (hasWaited || free >= Math.min(batch, slots / 4)) void this.#claim(free);
    else this.#timer ??= setTimeout(() => this.#refillAfterWait(), spacingMs);
  }

  #refillAfterWait(): void {
    this.#timer = undefined;
    this.#refill(true);
  }

  async #claim(limit: number): Promise<void> {
    this.#isClaiming = true;
    this.#wasWoken = false;
    const claimed = await this.#options.statements.claim(limit);
    this.#isClaiming = false;
    this.#isEmpty = claimed.length < limit && !this.#wasWoken;
    this.#taken += claimed.length;
    for (const item of claimed) this.#run(item);
    this.#refill();
  }

  #run(item: Claimed<Lease>): void {
    const running = this.#options.handler(item.body);
    if (running === undefined) this.#end(item);
    else void running.then(() => this.#end(item));
  }

  #end(item: Claimed<Lease>): void {
    this.#ended.push(item);
    if (this.#isSettling) return;
    this.#isSettling = true;
    queueMicrotask(() => void this.#settle());
  }

  async #settle(): Promise<void> {
    while (this.#ended.length > 0) {
      const batch = this.#ended.splice(0, this.#options.batch);
      await this.#options.statements.settle(batch);
      this.#taken -= batch.length;
      this.#refill();
    }
    this.#isSettling = false;
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#isStopped && this.#taken === 0 && !this.#isClaiming) this.#onIdle?.();
  }
}
