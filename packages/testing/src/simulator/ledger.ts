import type { ClaimRequest, HookEvent, KeyConflict, NewItem, Transaction } from "@sherd/core";
import type { Process } from "./process.ts";
import { AskedPulls } from "./pulled-items.ts";

/** What became of one user's transaction, as the database knows it, whatever its caller heard. */
export interface Scope {
  readonly items: NewItem[];
  readonly conflicts: Map<string, KeyConflict>;
  /** What was asked for of pulled items. */
  readonly pulled: AskedPulls;
  isCommitted: boolean;
}

/** Everything that was asked for and answered, from which the invariants are decided. */
export class Ledger {
  /** Hooks whose trigger is committed, in the order of their commits. */
  readonly committed = new Map<string, NewItem>();
  readonly rolledBack = new Set<string>();
  /** Hooks whose counters began anew: an operator retried them, or a trigger with their key replaced them. */
  readonly restarted = new Set<string>();
  readonly #scopes = new WeakMap<object, Scope>();
  readonly #ends = new Map<string, string>();
  /** The latest attempt of each hook that a claim began. */
  readonly #begun = new Map<string, number>();
  readonly #onViolation: (invariant: string, what: string) => void;
  readonly #onEvent: (process: Process, event: HookEvent) => void;
  #current: Scope | null = null;

  constructor(
    onViolation: (invariant: string, what: string) => void,
    onEvent: (process: Process, event: HookEvent) => void,
  ) {
    this.#onViolation = onViolation;
    this.#onEvent = onEvent;
  }

  entered(tx: Transaction): Scope {
    const scope: Scope = { items: [], conflicts: new Map(), pulled: new AskedPulls(), isCommitted: false };
    this.#scopes.set(tx, scope);
    this.#current = scope;
    return scope;
  }

  scopeOf(tx: Transaction): Scope | undefined {
    return this.#scopes.get(tx);
  }

  /** What the user's transaction that is open asked for; null when there is none. */
  get current(): Scope | null {
    return this.#current;
  }

  /** The database has committed the one user's transaction that was open. */
  committedNow(): void {
    const scope = this.#current;
    if (scope === null) return;
    scope.isCommitted = true;
    for (const item of scope.items) {
      const conflict = scope.conflicts.get(item.id);
      if (conflict === undefined) this.committed.set(item.id, item);
      else if (conflict.resolution === "replaced") this.restarted.add(conflict.existingId);
    }
  }

  /** The user's transaction has ended, one way or the other. */
  ended(scope: Scope): void {
    if (this.#current === scope) this.#current = null;
    if (scope.isCommitted) return;
    for (const { id } of scope.items) this.rolledBack.add(id);
  }

  answered(verb: string, args: readonly unknown[], answer: unknown): void {
    if (verb === "enqueue") {
      const [tx, items] = args as [Transaction, readonly NewItem[]];
      const scope = this.#scopes.get(tx);
      scope?.items.push(...items);
      for (const conflict of answer as readonly KeyConflict[]) scope?.conflicts.set(conflict.id, conflict);
    }
    if (verb === "claim") this.#claimed(args[0] as ClaimRequest, answer as { items: readonly ClaimedView[] });
  }

  #claimed(_request: ClaimRequest, { items }: { readonly items: readonly ClaimedView[] }): void {
    for (const { id, failures, lost, maxAttempts } of items) {
      this.#begun.set(id, Math.max(failures + lost + 1, this.#begun.get(id) ?? 0));
      if (this.rolledBack.has(id)) this.#onViolation("nothing rolled back runs", `${id} was claimed`);
      if (failures + lost >= maxAttempts) {
        this.#onViolation(
          "attempts never exceed the maximum",
          `${id} begins attempt ${failures + lost + 1} of ${maxAttempts}`,
        );
      }
    }
  }

  /** An attempt can end in one way only; two ends mean that one of them had no lease. */
  heard(process: Process, event: HookEvent): void {
    this.#onEvent(process, event);
    if (event.type !== "completed" && event.type !== "failed" && event.type !== "lost") return;
    if (this.restarted.has(event.id)) return;
    const attempt = event.type === "lost" ? `loss ${event.lost}` : `attempt ${event.attempt}`;
    const key = `${event.id} ${attempt}`;
    const before = this.#ends.get(key);
    this.#ends.set(key, event.type);
    if (before !== undefined) this.#onViolation(fenced, `${key} ended ${before} and ${event.type}`);
    // What has completed is never claimed again, so a claim that began a later attempt came before.
    const begun = this.#begun.get(event.id) ?? 0;
    if (event.type === "completed" && begun > event.attempt) {
      this.#onViolation(fenced, `${key} completed although attempt ${begun} had begun`);
    }
  }
}

const fenced = "no finish under a lease that is gone takes effect";

interface ClaimedView {
  readonly id: string;
  readonly failures: number;
  readonly lost: number;
  readonly maxAttempts: number;
}
