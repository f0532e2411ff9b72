import type { Storage } from "@sherd/core";
import type { Executor } from "./executor.ts";
import { cancel } from "./statements/cancel.ts";
import { claim } from "./statements/claim.ts";
import { closeLeases } from "./statements/close-leases.ts";
import { count } from "./statements/count.ts";
import { enqueue } from "./statements/enqueue.ts";
import { extend } from "./statements/extend.ts";
import { get } from "./statements/get.ts";
import { hold } from "./statements/hold.ts";
import { list } from "./statements/list.ts";
import { nextWakeInMs } from "./statements/next-wake.ts";
import { prune } from "./statements/prune.ts";
import { retry } from "./statements/retry.ts";
import { settle } from "./statements/settle.ts";
import { sweep } from "./statements/sweep.ts";
import { wake } from "./statements/wake.ts";

/** The kernel's verbs, one file each. */
export function createStorage(executor: Executor): Storage {
  return {
    enqueue: (tx, items) => enqueue(executor, tx, items),
    sweep: (queue, limit, maxLost) => sweep(executor, queue, limit, maxLost),
    claim: (request, closed) => claim(executor, request, closed),
    extend: (queue, leases, leaseMs) => extend(executor, queue, leases, leaseMs),
    settle: (queue, outcomes, tx) => settle(executor, queue, outcomes, tx),
    hold: (tx, lease, id) => hold(executor, tx, lease, id),
    wake: (queue, keys, tx) => wake(executor, queue, keys, tx),
    nextWakeInMs: (queue, names) => nextWakeInMs(executor, queue, names),
    closeLeases: (leases) => closeLeases(executor, leases),
    list: (queue, filter) => list(executor, queue, filter),
    count: (queue) => count(executor, queue),
    get: (queue, id) => get(executor, queue, id),
    retry: (queue, id) => retry(executor, queue, id),
    cancel: (queue, id) => cancel(executor, queue, id),
    prune: (queue, outcome, olderThanMs, limit) => prune(executor, queue, { outcome, olderThanMs, limit }),
  };
}
