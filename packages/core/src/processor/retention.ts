import type { FragmentInternals } from "../fragment/internals.ts";

const everyMs = 600_000;
const batch = 1_000;
const outcomes = ["completed", "cancelled", "failed"] as const;

/**
 * Deletes finished hooks that are older than their retention, in bounded batches. It rides on the dispatcher's
 * polls: about every ten minutes, the first time at a random moment, so that workers do not do it together.
 */
export class Retention {
  readonly #fragment: FragmentInternals;
  #dueAt: number;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(fragment: FragmentInternals) {
    this.#fragment = fragment;
    const { clock, random } = fragment.settings;
    this.#dueAt = clock.elapsed() + random() * everyMs;
  }

  /** Begin a round if one is due; it goes on beside the processor's work. */
  begin(): void {
    const { clock, random } = this.#fragment.settings;
    const now = clock.elapsed();
    if (now < this.#dueAt || this.#running !== null || this.#isStopped) return;
    this.#dueAt = now + everyMs * (0.9 + 0.2 * random());
    void this.run();
  }

  /** Do a round now, or join the one that is under way. */
  run(): Promise<void> {
    this.#running ??= this.#prune()
      .catch((error: unknown) => this.#fragment.report.error(error, "prune"))
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  /** Begin no further round. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when no round is under way; one ends after its next batch once it is stopped. */
  async end(): Promise<void> {
    await this.#running;
  }

  async #prune(): Promise<void> {
    const { adapter, queue, settings } = this.#fragment;
    for (const outcome of outcomes) {
      const olderThanMs = settings.retention[outcome];
      if (olderThanMs === null) continue;
      let pruned = batch;
      while (pruned >= batch && !this.#isStopped) {
        pruned = await adapter.storage.prune(queue, outcome, olderThanMs, batch);
      }
    }
  }
}
