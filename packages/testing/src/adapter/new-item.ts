import type { NewItem } from "@sherd/core";

/** A valid item that is due now, but for what `overrides` says. */
export function newItem(queue: string, overrides: Partial<NewItem> = {}): NewItem {
  return {
    id: uuidv7(Date.now()),
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

let sequence = 0;

/** A UUIDv7 as a process whose clock shows `at` makes it; those of one process ascend within a millisecond. */
export function uuidv7(at: number): string {
  const time = at.toString(16).padStart(12, "0");
  const counter = (sequence = (sequence + 1) % 0x1000).toString(16).padStart(3, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${crypto.randomUUID().slice(19)}`;
}
