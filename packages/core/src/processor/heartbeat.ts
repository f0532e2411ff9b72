import type { Extension, Storage } from "../adapter/storage.ts";
import type { Clock } from "../clock/clock.ts";

export interface HeartbeatOptions {
  readonly storage: Storage;
  readonly queue: string;
  readonly leaseMs: number;
  /** The leases that are to be renewed. */
  readonly openLeases: () => readonly string[];
  readonly clock: Clock;
  readonly onExtended: (extension: Extension) => void;
  readonly onError: (error: unknown) => void;
}

/** Renews leases in one statement, at a third of their life, while there are any. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #cancelTimer: (() => void) | null = null;
  #beating: Promise<void> | null = null;
  #lastBeatAt = 0;
  #isStarted = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Begin when the first lease is there; it goes on by itself until the last has gone. */
  start(): void {
    if (this.#isStarted || this.#options.openLeases().length === 0) return;
    this.#isStarted = true;
    this.#lastBeatAt = this.#options.clock.elapsed();
    this.#arm();
  }

  stop(): void {
    this.#isStarted = false;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** Renew now, together with a renewal that is under way. */
  beat(): Promise<void> {
    this.#beating ??= this.#extend().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  /** Renew once more after a renewal that is under way, whose answer may be older than what is asked for now. */
  async beatAnew(): Promise<void> {
    await this.#beating;
    await this.beat();
  }

  /**
   * Renew if a beat is overdue, because the event loop or the machine stood still. Called before a sweep, so
   * that a process does not find its own live work lost.
   */
  async catchUp(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    if (clock.elapsed() - this.#lastBeatAt > leaseMs / 2) await this.beat();
  }

  #arm(): void {
    const { clock, leaseMs, openLeases } = this.#options;
    this.#cancelTimer = clock.schedule(() => {
      this.#cancelTimer = null;
      void this.beat().then(() => {
        if (!this.#isStarted || this.#cancelTimer !== null) return;
        if (openLeases().length > 0) this.#arm();
        else this.#isStarted = false;
      });
    }, leaseMs / 3);
  }

  async #extend(): Promise<void> {
    const { storage, queue, openLeases, leaseMs, clock, onExtended, onError } = this.#options;
    const open = openLeases();
    if (open.length === 0) return;
    const startedAt = clock.elapsed();
    try {
      const extension = await storage.extend(queue, open, leaseMs);
      this.#lastBeatAt = startedAt;
      onExtended(extension);
    } catch (error) {
      onError(error);
    }
  }
}
