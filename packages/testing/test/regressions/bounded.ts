import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseAdapter, DurableHooksProcessor } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "@sherd/testing";
import { onTestFinished } from "vitest";
import { claimRequest } from "../../src/adapter/claim-request.ts";
import { newItem } from "../../src/adapter/new-item.ts";

/** What `promise` resolves with, if it does within two seconds; else "nothing". */
export async function soon<T>(promise: Promise<T>, withinMs = 2_000): Promise<T | "nothing"> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<"nothing">((resolve) => {
    timer = setTimeout(() => resolve("nothing"), withinMs);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether `condition` comes true within two seconds. */
export async function comesTrue(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  return eventually(condition, { withinMs: 2_000 }).catch(() => false);
}

/** Resolve once the database clock is `ms` further: a lease of that length, on a queue of its own, has expired. */
export async function pass({ transaction, storage }: DatabaseAdapter, ms: number): Promise<void> {
  const queue = `clock/${crypto.randomUUID()}`;
  await transaction((tx) => storage.enqueue(tx, [newItem(queue)]));
  await storage.claim(claimRequest(queue, { leaseMs: ms }), []);
  await eventually(async () => (await storage.nextWakeInMs(queue, ["deliver"])) === 0, {
    withinMs: ms + 5_000,
  });
}

/** Dispatch with wake-ups and timers alone: the backstop poll is a day away. */
export function dispatchWithoutPoll(processor: DurableHooksProcessor, errors: unknown[] = []): void {
  const dispatcher = createDurableHooksDispatcher({
    processor,
    pollIntervalMs: 86_400_000,
    onError: (error) => errors.push(error),
  });
  dispatcher.startPolling();
  onTestFinished(() => dispatcher.stopPolling({ deadlineMs: 0 }));
}

/** What a driver throws when its disk fails for a moment. */
export function diskFailure(): Error {
  return Object.assign(new Error("disk I/O error"), { errcode: 10 });
}

/** The path of a database in a folder of its own, which goes when the test ends. */
export async function freshFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sherd-regressions-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "app.db");
}
