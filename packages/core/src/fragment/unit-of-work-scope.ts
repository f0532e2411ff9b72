import type { Transaction } from "../adapter/adapter.ts";
import type { KeyConflict } from "../adapter/storage.ts";
import { SherdError } from "../errors.ts";
import { newTrigger, type Trigger } from "../hook/new-item.ts";
import type { TriggerOptions } from "../hook/trigger.ts";
import { type FragmentInternals, internalsOf } from "./internals.ts";
import type { UnitOfWork } from "./unit-of-work.ts";

type AnyUnit = UnitOfWork<unknown, Record<string, never>> & { readonly services: Record<string, unknown> };

const transactions = new WeakMap<object, Transaction>();

/** The transaction of a unit of work; null for any other object. */
export function transactionOf(unit: object): Transaction | null {
  return transactions.get(unit) ?? null;
}

/**
 * One open transaction and what is triggered in it, whichever fragments take part. Triggers are collected,
 * and `flush` writes them in one statement as the last thing before the commit.
 */
export class UnitOfWorkScope {
  readonly #tx: Transaction;
  readonly #adapter: FragmentInternals["adapter"];
  readonly #units = new Map<FragmentInternals, AnyUnit>();
  readonly #triggers: { readonly by: FragmentInternals; readonly trigger: Trigger }[] = [];
  #conflicts: readonly KeyConflict[] = [];
  #isOpen = true;

  constructor(tx: Transaction, adapter: FragmentInternals["adapter"]) {
    this.#tx = tx;
    this.#adapter = adapter;
  }

  /** The unit of work as the fragment's services see it. */
  unitFor(fragment: FragmentInternals): AnyUnit {
    const known = this.#units.get(fragment);
    if (known !== undefined) return known;
    if (fragment.adapter !== this.#adapter) throw fragmentMismatch(fragment.namespace);
    const unit = this.#makeUnit(fragment);
    this.#units.set(fragment, unit);
    return unit;
  }

  /** A unit of this scope with more to it. */
  extend(unit: AnyUnit, more: object): object {
    const own = { ...Object.getOwnPropertyDescriptors(unit), ...Object.getOwnPropertyDescriptors(more) };
    const extended: object = Object.defineProperties({}, own);
    transactions.set(extended, this.#tx);
    return extended;
  }

  /** Write what was triggered, as the last thing before the commit. */
  async flush(): Promise<void> {
    this.#isOpen = false;
    await Promise.all(this.#triggers.map(({ trigger }) => trigger.validated));
    if (this.#triggers.length === 0) return;
    const items = this.#triggers.map(({ trigger }) => trigger.item);
    this.#conflicts = await this.#adapter.storage.enqueue(this.#tx, items);
    await this.#tellTriggering();
  }

  /** Refuse what comes after the end, which no commit would carry any more. */
  end(): void {
    this.#isOpen = false;
  }

  /** The transaction has committed: wake the processors, and tell of triggers that met another with their key. */
  committed(): void {
    this.#tellConflicts();
    for (const queue of this.#queues()) this.#adapter.notifier.publish(queue, "work");
  }

  /** Nobody knows whether the transaction has committed: a wake-up in vain does no harm. */
  unclear(): void {
    for (const queue of this.#queues()) this.#adapter.notifier.publish(queue, "work");
  }

  /** The transaction is the caller's to commit: have the processors woken when that happens. */
  async handedOver(): Promise<void> {
    this.#tellConflicts();
    for (const queue of this.#queues()) await this.#adapter.notifier.publishOnCommit(this.#tx, queue);
  }

  trigger(by: FragmentInternals, name: string, payload: unknown, options: TriggerOptions = {}): string {
    if (!this.#isOpen) throw transactionEnded(by.namespace, name);
    const trigger = newTrigger(by, name, payload, options);
    this.#triggers.push({ by, trigger });
    return trigger.item.id;
  }

  #queues(): ReadonlySet<string> {
    return new Set(this.#triggers.map(({ by }) => by.queue));
  }

  /** One by one: they may write to this transaction's storage. */
  async #tellTriggering(): Promise<void> {
    for (const fragment of new Set(this.#triggers.map(({ by }) => by))) {
      if (fragment.triggering.size === 0) continue;
      const own = this.#triggers.filter(({ by }) => by === fragment);
      const dueAt = Math.min(...own.map(({ trigger }) => trigger.item.dueAt ?? 0));
      const dueInMs = Math.max(0, dueAt - fragment.settings.clock.now());
      for (const tell of fragment.triggering) await tell(dueInMs);
    }
  }

  #tellConflicts(): void {
    const byId = new Map(this.#triggers.map(({ by, trigger }) => [trigger.item.id, { by, trigger }]));
    for (const { id, existingId, resolution } of this.#conflicts) {
      const known = byId.get(id);
      if (known === undefined) continue;
      const { namespace, report } = known.by;
      report.event({ type: resolution, namespace, id, name: known.trigger.item.name, existingId });
    }
  }

  #makeUnit(fragment: FragmentInternals): AnyUnit {
    const services: Record<string, unknown> = {};
    const tx = this.#tx;
    const unit = {
      // Asked for late: a transaction that only triggers needs none.
      get db() {
        return tx.db;
      },
      tables: fragment.tables,
      services,
      triggerHook: (name: string, payload?: unknown, options?: TriggerOptions) =>
        this.trigger(fragment, name, payload, options),
      use: (other: object) => this.unitFor(internalsOf(other)),
    } as unknown as AnyUnit;
    for (const [name, service] of fragment.services) {
      services[name] = async (...args: unknown[]) => service(unit, ...args);
    }
    transactions.set(unit, tx);
    return unit;
  }
}

function fragmentMismatch(namespace: string): SherdError {
  return new SherdError(
    "FRAGMENT_MISMATCH",
    `Cannot use fragment "${namespace}" in this transaction: it has another database adapter. ` +
      `Fragments that take part in one transaction share one adapter.`,
    { namespace },
  );
}

function transactionEnded(namespace: string, hook: string): SherdError {
  return new SherdError(
    "TRANSACTION_ENDED",
    `Cannot trigger "${hook}" of "${namespace}": its transaction has ended. Is an await missing in the service?`,
    { namespace, hook },
  );
}
