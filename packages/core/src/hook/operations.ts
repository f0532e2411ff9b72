import { SherdError } from "../errors.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import type { ItemCounts, ItemStatus, Outcome } from "../kernel/item.ts";
import { requireInteger } from "../options/require-option.ts";
import { invalidOption } from "../options/invalid-option.ts";
import { type HookView, hookView } from "./view.ts";

export type HookStatus = ItemStatus;

export interface HookList {
  readonly hooks: readonly HookView[];
  /** Pass it on for the next page; null when this was the last. */
  readonly cursor: string | null;
}

export interface ListHooks {
  readonly status: HookStatus;
  /** Only hooks of this name. */
  readonly name?: string;
  /** 1 to 1,000. Default: 50. */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string | null;
}

export interface PruneHooks {
  readonly status: Outcome;
  /** Only those that finished longer ago than this, in milliseconds. */
  readonly olderThanMs: number;
}

/** Look after the triggered hooks of one fragment. */
export interface HookOperations {
  /** List hooks of one status, newest first. */
  list(options: ListHooks): Promise<HookList>;
  /** Null when there is no such hook, or it was pruned. */
  get(id: string): Promise<HookView | null>;
  /** Count the hooks of each status, and tell how long the oldest due one has waited. */
  count(): Promise<ItemCounts>;
  /**
   * Run a failed hook again, now and with fresh attempts. Fails with `HOOK_NOT_FOUND`, with `HOOK_STATE` when it
   * has not failed, and with `KEY_CONFLICT` when a newer hook has its key.
   */
  retry(id: string): Promise<void>;
  /** Retry every failed hook, or every one of this name. Answers how many; leaves out those whose key is taken. */
  retryAll(options?: { readonly name?: string }): Promise<number>;
  /**
   * Cancel a pending hook, or ask a running one to stop: its signal aborts, its late result is fenced, and it
   * ends as cancelled. Fails with `HOOK_NOT_FOUND` or, when it has finished, with `HOOK_STATE`.
   */
  cancel(id: string): Promise<"cancelled" | "requested">;
  /** Delete finished hooks of one status and age. Answers how many. */
  prune(options: PruneHooks): Promise<number>;
}

const statuses: readonly string[] = ["pending", "processing", "completed", "failed", "cancelled"];
const pruneBatch = 1_000;

export function hookOperations(fragment: FragmentInternals): HookOperations {
  const { adapter, namespace, queue } = fragment;
  const { storage, notifier } = adapter;

  const get = async (id: string) => {
    const item = isUuid(id) ? await storage.get(queue, id) : null;
    return item === null ? null : hookView(item);
  };
  const list = async ({ status, name, limit = 50, cursor = null }: ListHooks) => {
    if (!statuses.includes(status))
      throw invalidOption("list.status", status, `one of ${statuses.join(", ")}`);
    requireInteger("list.limit", limit, 1, 1_000);
    const page = await storage.list(queue, {
      status,
      limit,
      cursor,
      ...(name === undefined ? {} : { name }),
    });
    return { hooks: page.items.map(hookView), cursor: page.cursor };
  };
  const retry = async (id: string) => {
    const result = isUuid(id) ? await storage.retry(queue, id) : "not_found";
    if (result === "not_found") throw hookNotFound(namespace, id, "retry");
    if (result === "not_failed") throw hookState(namespace, id, "retry", (await get(id))?.status ?? "gone");
    notifier.publish(queue, "work");
  };

  return {
    list,
    get,
    count: () => storage.count(queue),
    retry,
    retryAll: (options = {}) => retryAll(list, retry, options),
    async cancel(id) {
      const result = isUuid(id) ? await storage.cancel(queue, id) : "not_found";
      if (result === "not_found") throw hookNotFound(namespace, id, "cancel");
      if (result === "finished") throw hookState(namespace, id, "cancel", (await get(id))?.status ?? "gone");
      notifier.publish(queue, result === "requested" ? "cancel" : "work");
      return result;
    },
    async prune({ status, olderThanMs }) {
      requireInteger("prune.olderThanMs", olderThanMs, 0);
      if (!statuses.slice(2).includes(status)) {
        throw invalidOption(
          "prune.status",
          status,
          "completed, failed or cancelled: the others are still needed",
        );
      }
      let total = 0;
      for (;;) {
        const pruned = await storage.prune(queue, status, olderThanMs, pruneBatch);
        total += pruned;
        if (pruned < pruneBatch) return total;
      }
    },
  };
}

async function retryAll(
  list: HookOperations["list"],
  retry: HookOperations["retry"],
  { name }: { readonly name?: string },
): Promise<number> {
  let retried = 0;
  let cursor: string | null = null;
  do {
    const page: HookList = await list({
      status: "failed",
      limit: 1_000,
      cursor,
      ...(name === undefined ? {} : { name }),
    });
    for (const { id } of page.hooks) {
      try {
        await retry(id);
        retried += 1;
      } catch (error) {
        // Someone else retried or pruned it in the meantime, or a newer hook has its key: that one goes on.
        const isSettled =
          error instanceof SherdError &&
          ["HOOK_NOT_FOUND", "HOOK_STATE", "KEY_CONFLICT"].includes(error.code);
        if (!isSettled) throw error;
      }
    }
    cursor = page.cursor;
  } while (cursor !== null);
  return retried;
}

function isUuid(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function hookNotFound(namespace: string, id: string, attempted: string): SherdError {
  return new SherdError(
    "HOOK_NOT_FOUND",
    `Cannot ${attempted} hook ${id}: fragment "${namespace}" has none with this id. It may have been pruned, ` +
      `or its trigger was rolled back, or met another hook with its key.`,
    { namespace, id },
  );
}

function hookState(namespace: string, id: string, attempted: string, status: string): SherdError {
  const allowed =
    attempted === "retry" ? "Only failed hooks can be retried." : "Only unfinished hooks can be cancelled.";
  return new SherdError(
    "HOOK_STATE",
    `Cannot ${attempted} hook ${id} of "${namespace}": it is ${status}. ${allowed}`,
    {
      namespace,
      id,
      status,
    },
  );
}
