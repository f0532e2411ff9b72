/** Short ways to put items into a queue of a test's own and to end their attempts. */
import { type ClaimedItem, type DatabaseAdapter, type NewItem, released, type Settlement } from "@sherd/core";

export function newItem(queue: string, overrides: Partial<NewItem> = {}): NewItem {
  return {
    id: crypto.randomUUID(),
    queue,
    name: "deliver",
    key: null,
    onConflict: "error",
    dueAt: null,
    priority: 0,
    concurrencyKey: null,
    releaseKeyOnRetry: false,
    retry: "exponential(1000,2,3600000,0.2)",
    maxAttempts: 20,
    timeoutMs: null,
    body: "{}",
    trace: null,
    ...overrides,
  };
}

/** Enqueue items in a transaction of their own; answers their ids. */
export async function enqueue(
  adapter: DatabaseAdapter,
  queue: string,
  ...overrides: readonly Partial<NewItem>[]
): Promise<readonly string[]> {
  const items = overrides.map((override) => newItem(queue, override));
  await adapter.transaction((tx) => adapter.storage.enqueue(tx, items));
  return items.map(({ id }) => id);
}

export async function claim(
  adapter: DatabaseAdapter,
  queue: string,
  { limit = 100, leaseMs = 60_000, closed = [] as readonly string[] } = {},
): Promise<readonly ClaimedItem[]> {
  const request = { queue, names: ["deliver"], limit, leaseMs, owner: "a worker" };
  return (await adapter.storage.claim(request, closed)).items;
}

export function completed(item: ClaimedItem, end: Partial<Settlement> = {}): Settlement {
  return { ...released(item), state: "done", outcome: "completed", ...end };
}

export function retriedAt(item: ClaimedItem, delayMs: number): Settlement {
  return completed(item, { state: "timed", outcome: null, delayMs, failed: true });
}

/** A promise and what resolves it. */
export function signal(): { readonly fired: Promise<void>; fire(): void } {
  let fire = () => {};
  const fired = new Promise<void>((resolve) => (fire = resolve));
  return { fired, fire };
}
