import { type ClaimedItem, type DatabaseAdapter, type NewItem, released, type Settlement } from "@sherd/core";
import { expect } from "vitest";
import { claimable, type ModelClaim, type ModelItem } from "./model.ts";

const hourMs = 3_600_000;

export interface Draft {
  readonly name: string;
  readonly priority: number;
  readonly concurrencyKey: string | null;
  readonly releasesKey: boolean;
}

export type End = "complete" | "release" | "retry now" | "retry later" | "park" | "fail" | "lose";

/** A queue of a database beside the model of it: does to both the same, and expects the same of both. */
export class QueueBesideModel {
  readonly #adapter: DatabaseAdapter;
  readonly #queue = `order/${crypto.randomUUID()}`;
  readonly #held: ClaimedItem[] = [];
  #items: ModelItem[] = [];
  #place = 0;

  constructor(adapter: DatabaseAdapter) {
    this.#adapter = adapter;
  }

  async trigger(drafts: readonly Draft[]): Promise<void> {
    const made = drafts.map((draft): ModelItem => {
      const place = this.#place++;
      const counters = { failures: 0, lost: 0, isHeld: false, isReplaced: false, isToCancel: false };
      return { ...draft, ...counters, id: crypto.randomUUID(), place, key: `key ${place}`, state: "ready" };
    });
    await this.#enqueue(made.map((item) => this.#newItem(item)));
    this.#items.push(...made);
  }

  async replace(nth: number, draft: Draft, isLater: boolean): Promise<void> {
    const item = pickNth(
      this.#items.filter(({ state }) => state !== "failed"),
      nth,
    );
    if (item === undefined) return;
    const { name, priority } = draft;
    Object.assign(item, { name, priority, failures: 0, lost: 0, isReplaced: item.isHeld, isToCancel: false });
    item.state = isLater ? "later" : "ready";
    const dueAt = isLater ? Date.now() + hourMs : null;
    const replacement = {
      ...this.#newItem(item),
      id: crypto.randomUUID(),
      dueAt,
      onConflict: "replace",
    } as const;
    await this.#enqueue([replacement]);
  }

  async claim(request: ModelClaim): Promise<number> {
    const { storage } = this.#adapter;
    const { items, more } = await storage.claim(
      { queue: this.#queue, leaseMs: hourMs, owner: "a worker", ...request },
      [],
    );
    const expected = claimable(this.#items, request);
    const ids = expected.map(({ id }) => id);
    expect(items.map(({ id }) => id)).toEqual(ids.slice(0, items.length));
    if (expected.length > 0) expect(items.length).toBeGreaterThan(0);
    if (!more) expect(items.length).toBe(expected.length);
    for (const item of expected.slice(0, items.length)) item.isHeld = true;
    this.#held.push(...items);
    return items.length;
  }

  async settle(nth: number, end: End): Promise<void> {
    const attempt = pickNth(this.#held, nth);
    const item = this.#items.find(({ id }) => id === attempt?.id);
    if (attempt === undefined || item === undefined) return;
    this.#held.splice(this.#held.indexOf(attempt), 1);
    const [answer] = await this.#adapter.storage.settle(this.#queue, [
      { ...released(attempt), ...ends[end] },
    ]);
    const expected = item.isToCancel ? "cancelled" : item.isReplaced ? "replaced" : "settled";
    expect(answer?.result).toBe(expected);
    item.isHeld = false;
    if (expected === "settled") this.#end(item, end);
    if (expected === "cancelled") this.#forget(item);
    if (expected === "replaced") Object.assign(item, { failures: 0, lost: 0, isReplaced: false });
  }

  async cancel(nth: number): Promise<void> {
    const item = pickNth(this.#items, nth);
    if (item === undefined) return;
    const expected = item.state === "failed" ? "finished" : item.isHeld ? "requested" : "cancelled";
    expect(await this.#adapter.storage.cancel(this.#queue, item.id)).toBe(expected);
    if (expected === "cancelled") this.#forget(item);
    if (expected === "requested") item.isToCancel = true;
  }

  async retry(nth: number): Promise<void> {
    const item = pickNth(
      this.#items.filter(({ state }) => state === "failed"),
      nth,
    );
    if (item === undefined) return;
    expect(await this.#adapter.storage.retry(this.#queue, item.id)).toBe("retried");
    Object.assign(item, { state: "ready", failures: 0, lost: 0 });
  }

  async wake(): Promise<void> {
    const parked = this.#items.filter(({ state, isHeld }) => state === "parked" && !isHeld);
    const keys = this.#items.map(({ key }) => key);
    expect(await this.#adapter.storage.wake(this.#queue, keys)).toBe(parked.length);
    for (const item of parked) item.state = "ready";
  }

  async sweep(): Promise<void> {
    const due = this.#items.filter(({ state }) => state === "due");
    const { promoted, lost } = await this.#adapter.storage.sweep(this.#queue, 1_000, 1_000);
    expect([promoted, lost]).toEqual([due.length, []]);
    for (const item of due) item.state = "ready";
  }

  /** What users see of it. */
  async look(names: readonly string[]): Promise<void> {
    const { storage } = this.#adapter;
    const open = this.#items.filter(({ state }) => state !== "failed");
    const held = open.filter(({ isHeld }) => isHeld).length;
    expect(await storage.count(this.#queue)).toMatchObject({
      pending: open.length - held,
      processing: held,
      failed: this.#items.length - open.length,
    });
    const page = await storage.list(this.#queue, { status: "pending", limit: 1_000, cursor: null });
    const pending = open.filter(({ isHeld }) => !isHeld).map(({ id }) => id);
    expect(page.items.map(({ id }) => id).toSorted()).toEqual(pending.toSorted());
    const request = { names, limit: 1, suspects: { lostFrom: 1_000, takesOne: true } };
    const isFree = claimable(this.#items, request).length > 0;
    if (isFree) expect(await storage.nextWakeInMs(this.#queue, names)).toBe(0);
  }

  /** Run all that is left, one claim after the other, to its end. */
  async drain(names: readonly string[]): Promise<void> {
    for (const item of this.#items) if (item.state === "later") await this.cancel(this.#items.indexOf(item));
    while (this.#held.length > 0) await this.settle(0, "complete");
    await this.wake();
    await this.sweep();
    const request = { names, limit: 2, suspects: { lostFrom: 1_000, takesOne: true } };
    while ((await this.claim(request)) > 0) {
      while (this.#held.length > 0) await this.settle(0, "complete");
    }
    expect(this.#items.filter(({ state }) => state === "ready")).toEqual([]);
  }

  #end(item: ModelItem, end: End): void {
    if (end === "complete") return this.#forget(item);
    if (end === "retry now" || end === "retry later" || end === "fail") item.failures++;
    if (end === "lose") item.lost++;
    const states = { "retry now": "due", "retry later": "later", park: "parked", fail: "failed" } as const;
    item.state = end === "release" || end === "lose" ? "ready" : states[end];
  }

  #forget(item: ModelItem): void {
    this.#items = this.#items.filter((other) => other !== item);
  }

  #newItem({ id, name, key, priority, concurrencyKey, releasesKey }: ModelItem): NewItem {
    const common = { retry: "none", maxAttempts: 1_000, timeoutMs: null, body: "{}", trace: null };
    return {
      ...common,
      id,
      queue: this.#queue,
      name,
      key,
      onConflict: "error",
      dueAt: null,
      priority,
      concurrencyKey,
      releaseKeyOnRetry: releasesKey,
    };
  }

  async #enqueue(items: readonly NewItem[]): Promise<void> {
    await this.#adapter.transaction((tx) => this.#adapter.storage.enqueue(tx, items));
  }
}

const ends: Readonly<Record<End, Partial<Settlement>>> = {
  complete: { state: "done", outcome: "completed" },
  release: {},
  "retry now": { state: "timed", delayMs: 0, failed: true },
  "retry later": { state: "timed", delayMs: hourMs, failed: true },
  park: { state: "parked", gate: "signal" },
  fail: { state: "done", outcome: "failed", failed: true },
  lose: { lost: true },
};

function pickNth<T>(items: readonly T[], nth: number): T | undefined {
  return items[nth % Math.max(1, items.length)];
}
