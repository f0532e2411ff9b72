import type { Claim, ClaimedItem, ClaimRequest, DatabaseAdapter, NewItem, Settlement } from "@sherd/core";

export const queue = "hook/test";

let sequence = 0;

export function newItem(overrides: Partial<NewItem> = {}): NewItem {
  return {
    id: `01900000-0000-7000-8000-${(++sequence).toString(16).padStart(12, "0")}`,
    queue,
    name: "deliver",
    key: null,
    onConflict: "error",
    dueAt: null,
    priority: 0,
    concurrencyKey: null,
    releaseKeyOnRetry: false,
    retry: "none",
    maxAttempts: 5,
    timeoutMs: null,
    body: "{}",
    trace: null,
    ...overrides,
  };
}

/** Enqueue in a transaction of their own. */
export async function enqueue(adapter: DatabaseAdapter, ...items: Partial<NewItem>[]): Promise<NewItem[]> {
  const made = items.map(newItem);
  await adapter.transaction((tx) => adapter.storage.enqueue(tx, made));
  return made;
}

export function claim(adapter: DatabaseAdapter, overrides: Partial<ClaimRequest> = {}): Promise<Claim> {
  const request = { queue, names: ["deliver"], limit: 100, leaseMs: 60_000, owner: "a worker", ...overrides };
  return adapter.storage.claim(request, []);
}

export function ended(item: ClaimedItem, end: Partial<Settlement> = {}): Settlement {
  const { id, lease, revision } = item;
  const nothing = { delayMs: null, gate: null, failed: false, lost: false, error: null };
  return { id, lease, revision, state: "done", outcome: "completed", ...nothing, ...end };
}
