import { type PulledItem, type PulledMove, pullMoves, type Transaction, transactionOf } from "@sherd/core";
import { encodeProgress, requireFields, requireMoment, requireWhole } from "../call/check.ts";
import { longestLeaseMs } from "../call/claim.ts";
import { refusalOf, stopReasons } from "../errors.ts";
import type { SubjectInternals } from "../internals.ts";
import type { Pool } from "../pool.ts";
import { type Subject, toSubject } from "../subject.ts";
import { Hold } from "./hold.ts";
import type { RunCheckpoint, RunSettings, SubjectContext, SubjectOutcome } from "./options.ts";

/** How a run ended, before anything of it is written. */
export type RunEnd =
  | { readonly kind: "completed"; readonly outcome: SubjectOutcome<unknown, unknown> }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "interrupted" };

type AnyContext = SubjectContext<Record<string, Pool>, string>;
type AnyCheckpoint = RunCheckpoint<unknown, unknown>;
const outcomeFields = ["cursor", "meta", "nextDueAt"];
const call = "checkpoint";

/** One run of a handler for a claimed subject. */
export class SubjectRun {
  readonly hold: Hold;
  readonly key: string;
  readonly startedAt: number;
  readonly #internals: SubjectInternals;
  readonly #settings: RunSettings;
  readonly #pool: Pool;
  readonly #abort = new AbortController();
  #stop: ((end: RunEnd) => void) | null = null;
  readonly #timers: (() => void)[] = [];

  constructor(internals: SubjectInternals, settings: RunSettings, queue: string, item: PulledItem) {
    this.#internals = internals;
    this.#settings = settings;
    this.#pool = internals.pools[settings.dispatcherId] as Pool;
    this.key = item.key;
    this.startedAt = internals.clock.elapsed();
    this.hold = new Hold(item, async (move, tx) => {
      const [answer] = await internals.adapter.pull.move(queue, [move], tx);
      return answer as PulledMove;
    });
  }

  /** Resolves when the handler has ended, or was stopped: then what it still does is its own. */
  async run(): Promise<RunEnd> {
    const stopped = new Promise<RunEnd>((resolve) => {
      this.#stop = resolve;
    });
    const { timeoutMs } = this.#settings;
    if (timeoutMs !== null) this.#in(timeoutMs, () => this.#timeOut(timeoutMs));
    const end = await Promise.race([this.#handled(), stopped]);
    for (const cancel of this.#timers) cancel();
    return end;
  }

  /** Abort the signal and end the run as interrupted, `graceMs` later if the handler has not by then. */
  interrupt(graceMs: number): void {
    this.#abort.abort(stopReasons.interrupted(this.#about()));
    this.#in(graceMs, () => this.#stop?.({ kind: "interrupted" }));
  }

  /** Somebody else has the subject: nothing that the run does counts any more. */
  lose(): void {
    const error = stopReasons.leaseLost(this.#about());
    this.#abort.abort(error);
    this.#stop?.({ kind: "failed", error });
  }

  #in(delayMs: number, run: () => void): void {
    this.#timers.push(this.#internals.clock.schedule(run, delayMs));
  }

  #timeOut(timeoutMs: number): void {
    const error = stopReasons.timeout({ ...this.#about(), timeoutMs });
    this.#abort.abort(error);
    this.#stop?.({ kind: "failed", error });
  }

  async #handled(): Promise<RunEnd> {
    try {
      const outcome = (await this.#settings.handle(this.#subject(), this.#context())) ?? {};
      requireFields("complete", outcome, outcomeFields);
      if (outcome.nextDueAt !== undefined) requireMoment("complete", outcome.nextDueAt);
      return { kind: "completed", outcome };
    } catch (error) {
      return this.#isInterrupted() ? { kind: "interrupted" } : { kind: "failed", error };
    }
  }

  /** A handler that throws because its signal says that the processor stops has not failed. */
  #isInterrupted(): boolean {
    const reason = this.#abort.signal.reason as { readonly code?: string } | undefined;
    return reason?.code === "INTERRUPTED";
  }

  #context(): AnyContext {
    const signal = this.#abort.signal;
    const subject = () => this.#subject();
    const { adapter } = this.#internals;
    return {
      signal,
      get subject() {
        return subject();
      },
      checkpoint: async (progress) => this.#told(await this.#checkpoint(progress)),
      within: (transaction) => {
        const tx = transactionOf(transaction) ?? adapter.join(transaction);
        return { checkpoint: (progress) => this.#checkpoint(progress, tx) };
      },
      transaction: (work) => this.#transaction(work),
    };
  }

  async #transaction<T>(work: Parameters<AnyContext["transaction"]>[0]): Promise<T> {
    let last: PulledItem | null = null;
    const checkpoint = async (progress: AnyCheckpoint, tx: Transaction) => {
      await this.#checkpoint(progress, tx);
      last = this.hold.item;
      return this.#subject();
    };
    try {
      const answer = (await this.#internals.adapter.transaction(async (tx) => {
        const answered = await work({
          get db() {
            return tx.db;
          },
          checkpoint: (progress) => checkpoint(progress, tx),
        });
        // Without one, nothing would notice that somebody else holds the subject by now.
        if (last === null) await checkpoint({}, tx);
        return answered;
      })) as T;
      if (last !== null) this.hold.commit(last);
      this.#told(this.#subject());
      return answer;
    } catch (error) {
      this.hold.rollBack();
      throw error;
    }
  }

  async #checkpoint(given: AnyCheckpoint, tx?: Transaction): Promise<Subject<never, never>> {
    this.#abort.signal.throwIfAborted();
    requireFields(call, given, ["cursor", "meta", "leaseMs"]);
    const leaseMs =
      given.leaseMs === undefined ? null : requireWhole(call, "leaseMs", given.leaseMs, 1, longestLeaseMs);
    const progress = await encodeProgress(call, this.#pool, given);
    const { item: before } = this.hold;
    const answer = await this.hold.move((fence) => pullMoves.checkpoint(fence, progress, leaseMs), tx);
    const refusal = refusalOf({ call, dispatcherId: this.#settings.dispatcherId }, before, answer);
    if (refusal !== null) throw refusal;
    return this.#subject();
  }

  #told(subject: Subject<never, never>): Subject<never, never> {
    const { report, profile } = this.#internals;
    report.event({ type: "checkpointed", profile, ...this.#about(), cursor: subject.cursor });
    return subject;
  }

  #subject(): Subject<never, never> {
    return toSubject(this.#settings.dispatcherId, this.hold.item);
  }

  #about() {
    return { dispatcherId: this.#settings.dispatcherId, subjectKey: this.key };
  }
}
