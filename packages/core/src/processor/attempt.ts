import type { SherdError } from "../errors.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import type { ClaimedItem, SettleResult } from "../kernel/item.ts";
import { leaseLost } from "./interruption.ts";

/** When an attempt must have ended, and what it is when it has not. */
export interface Deadline {
  /** On the process's clock of elapsed time, in milliseconds. */
  readonly at: number;
  readonly kind: "timeout" | "stuck" | "cancel";
}

/** One attempt in flight. Its outcome counts once: whoever ends it first. */
export class Attempt {
  readonly item: ClaimedItem;
  readonly startedAt: number;
  readonly timeoutMs: number | null;
  deadline: Deadline | null;
  /** What settle answered to `ctx.transaction` once that has committed; then nothing is left to settle. */
  committed: SettleResult | null = null;
  #isEnded = false;
  #onEnd: (() => void) | null = null;
  #controller: AbortController | null = null;
  #stopReason: SherdError | null = null;

  constructor(item: ClaimedItem, { hooks, settings }: FragmentInternals, now: number) {
    this.item = item;
    this.startedAt = now;
    this.timeoutMs = item.timeoutMs ?? hooks.get(item.name)?.timeoutMs ?? null;
    this.deadline = firstDeadline(now, this.timeoutMs, settings.stuckAfterMs);
  }

  /** Made when a handler first asks for it: most never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#stopReason !== null) this.#controller.abort(this.#stopReason);
    return this.#controller.signal;
  }

  get stopReason(): SherdError | null {
    return this.#stopReason;
  }

  /** True once its outcome is decided; what the handler does after that changes nothing. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
    this.#onEnd?.();
  }

  /** Settle as `work` does, but reject as soon as the attempt has ended, however long `work` goes on. */
  untilEnded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#onEnd = () => reject(this.#stopReason ?? leaseLost(this.item.id));
      if (this.#isEnded) this.#onEnd();
      work.then(resolve, reject);
    });
  }

  stop(reason: SherdError): void {
    if (this.#stopReason !== null) return;
    this.#stopReason = reason;
    this.#controller?.abort(reason);
  }
}

function firstDeadline(now: number, timeoutMs: number | null, stuckAfterMs: number | null): Deadline | null {
  if (timeoutMs !== null && (stuckAfterMs === null || timeoutMs <= stuckAfterMs)) {
    return { at: now + timeoutMs, kind: "timeout" };
  }
  return stuckAfterMs === null ? null : { at: now + stuckAfterMs, kind: "stuck" };
}
