import { Heartbeat, newId, type PulledItem, type PullDraft, pullMoves } from "@sherd/core";
import { describeFailure, dueAfterFailure } from "../call/failure.ts";
import { draftsOf } from "../call/sync.ts";
import { invalidRequest, stopReasons } from "../errors.ts";
import { queueOf, type SubjectInternals } from "../internals.ts";
import type { Pool } from "../pool.ts";
import type { RunSettings } from "./options.ts";

const key = "discovery";
const batch = 1_000;

/**
 * The rounds of a pool. A round is an item of its own in a queue beside the pool's, so that of all processes one discovers at a
 * time, and another goes on when that dies.
 */
export class Discovery {
  readonly queue: string;
  readonly #internals: SubjectInternals;
  readonly #settings: RunSettings;
  readonly #subjects: string;
  readonly #onDiscovered: () => void;
  readonly #heartbeat: Heartbeat;
  #held: PulledItem | null = null;
  #abort = new AbortController();
  #running: Promise<void> | null = null;
  #isKnown = false;

  constructor(internals: SubjectInternals, settings: RunSettings, onDiscovered: () => void) {
    this.#internals = internals;
    this.#settings = settings;
    this.#onDiscovered = onDiscovered;
    this.#subjects = queueOf(internals, settings.dispatcherId);
    this.queue = `subject-discovery/${internals.profile}/${settings.dispatcherId}`;
    this.#heartbeat = new Heartbeat({
      storage: internals.adapter.storage,
      queue: this.queue,
      leaseMs: settings.leaseMs,
      clock: internals.clock,
      openLeases: () => (this.#held?.lease ? [this.#held.lease] : []),
      onExtended: ({ gone }) => {
        if (gone.length > 0) this.#abort.abort(stopReasons.leaseLost(this.#about()));
      },
      onError: (error) => this.#report(error, "heartbeat"),
    });
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** See to it that the rounds are there, the first of them due. */
  async ensure(): Promise<void> {
    if (this.#isKnown) return;
    await this.#internals.adapter.pull.put(this.queue, [{ id: newId(), key, revision: 0 }], false);
    this.#isKnown = true;
  }

  /** Begin a round if one is due and nobody else is at it; it goes on beside everything else. */
  async begin(): Promise<void> {
    if (this.#running !== null) return;
    await this.ensure();
    const { adapter, owner } = this.#internals;
    const { leaseMs } = this.#settings;
    const [item] = await adapter.pull.pull({ queue: this.queue, limit: 1, leaseMs, owner });
    if (item === undefined) return;
    this.#held = item;
    this.#abort = new AbortController();
    this.#heartbeat.start();
    this.#running = this.#round(item)
      .catch((error: unknown) => this.#report(error, "discover"))
      .finally(() => {
        this.#held = null;
        this.#heartbeat.stop();
        this.#running = null;
        this.#onDiscovered();
      });
  }

  /** Resolves when no round is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** End a round that is under way, and leave it to whoever comes next. */
  interrupt(): void {
    this.#abort.abort(stopReasons.interrupted(this.#about()));
  }

  async #round(item: PulledItem): Promise<void> {
    const { adapter, clock, random, pools } = this.#internals;
    const { dispatcherId, everyMs, timeoutMs } = this.#settings;
    const next = { kind: "at", at: (item.startedAt ?? clock.now()) + (everyMs ?? 0) } as const;
    const abort = this.#abort;
    const { signal } = abort;
    const timeout = timeoutMs === null ? null : stopReasons.discoveryTimeout({ ...this.#about(), timeoutMs });
    const cancelTimer = timeout === null ? null : clock.schedule(() => abort.abort(timeout), timeoutMs ?? 0);
    try {
      const drafts = await untilAborted(this.#discover(signal), signal);
      for (let from = 0; from < drafts.length; from += batch) {
        signal.throwIfAborted();
        await this.#sync(drafts.slice(from, from + batch), item.startedAt ?? 0);
      }
      await adapter.pull.move(this.queue, [pullMoves.complete(item, {}, next)]);
      const { profile, report } = this.#internals;
      report.event({ type: "discovered", profile, dispatcherId, subjects: drafts.length });
      adapter.notifier.publish(this.#subjects, "work");
    } catch (error) {
      if (signal.aborted && signal.reason !== timeout) {
        await adapter.pull.move(this.queue, [pullMoves.release(item)]);
        return;
      }
      const { retry } = pools[dispatcherId] as Pool;
      const retried = dueAfterFailure(retry, item.failures, error, random());
      // There is always another round, whatever the pool does with subjects that fail.
      const due = retried.kind === "never" ? next : retried;
      await adapter.pull.move(this.queue, [
        pullMoves.fail(item, {}, describeFailure(error, clock.now()), due),
      ]);
      throw error;
    } finally {
      cancelTimer?.();
    }
  }

  async #discover(signal: AbortSignal): Promise<readonly PullDraft[]> {
    const { pools, random } = this.#internals;
    const { dispatcherId, discover } = this.#settings;
    const subjects = await discover?.({ signal });
    if (!Array.isArray(subjects)) throw invalidRequest("discover", "subjects", subjects, "a list");
    return draftsOf("discover", pools[dispatcherId] as Pool, random, subjects);
  }

  /**
   * A cursor is only where a new subject begins. What has a due time keeps it, so that none that waits for its turn is
   * sent back behind the others; what failed for good stays parked.
   */
  async #sync(drafts: readonly PullDraft[], startedAt: number): Promise<void> {
    const { adapter } = this.#internals;
    // Both at once: what was deleted in between would be made again, by a draft without a cursor.
    await adapter.transaction(async (tx) => {
      const items = await adapter.pull.put(this.#subjects, drafts, false, tx);
      const stale = drafts.flatMap((draft, index) => {
        const item = items[index];
        if (item === undefined || item.id === draft.id) return [];
        const { memo: _, body, ...news } = draft;
        const meta = body === undefined || body === item.body ? {} : { body };
        const due = item.dueAt === null && item.phase !== "failed" ? { dueAt: startedAt } : {};
        return [{ ...due, ...meta, ...news }];
      });
      await adapter.pull.put(this.#subjects, stale, true, tx);
    });
  }

  #about() {
    return { dispatcherId: this.#settings.dispatcherId, subjectKey: key };
  }

  #report(error: unknown, during: "discover" | "heartbeat"): void {
    const { profile, report } = this.#internals;
    report.error(error, { profile, dispatcherId: this.#settings.dispatcherId, during });
  }
}

/** What `discover` answers, or its signal's reason: one that never answers must hold up nobody. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}
