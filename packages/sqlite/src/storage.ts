import type { Storage } from "@sherd/core";
import { claimItems } from "./claim-items.ts";
import type { SqliteClock } from "./clock.ts";
import type { Executor } from "./executor.ts";
import { cancel } from "./statements/cancel.ts";
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

/**
 * The kernel's verbs as scripts on an executor. The clock is read inside each transaction: while a verb waited
 * for the write lock, time went on.
 */
export function sqliteStorage(run: Executor, { now }: SqliteClock): Storage {
  return {
    async enqueue(tx, items) {
      if (items.length === 0) return [];
      return run.inside(tx, "enqueue", (session) => enqueue(items, now(), session));
    },
    sweep: (queue, limit, maxLost) => run.write("sweep", () => sweep(queue, limit, maxLost, now())),
    claim: (request, closed) => claimItems(run, request, closed, now),
    async extend(queue, leases, leaseMs) {
      if (leases.length === 0) return { gone: [], cancelled: [] };
      return run.write("extend", () => extend(queue, leases, now() + leaseMs));
    },
    async settle(queue, outcomes, tx) {
      if (outcomes.length === 0) return [];
      const script = () => settle(queue, outcomes, now());
      return tx === undefined ? run.write("settle", script) : run.inside(tx, "settle", script);
    },
    hold: (tx, lease, id) => run.inside(tx, "hold", () => hold(lease, id)),
    async wake(queue, keys, tx) {
      if (keys.length === 0) return 0;
      const script = () => wake(queue, keys);
      return tx === undefined ? run.write("wake", script) : run.inside(tx, "wake", script);
    },
    nextWakeInMs: (queue, names) => run.read("nextWakeInMs", () => nextWakeInMs(queue, names, now())),
    async closeLeases(leases) {
      if (leases.length > 0) await run.write("closeLeases", () => closeLeases(leases));
    },
    list: (queue, filter) => run.read("list", () => list(queue, filter)),
    count: (queue) => run.read("count", () => count(queue, now())),
    get: (queue, id) => run.read("get", () => get(queue, id)),
    retry: (queue, id) => run.write("retry", () => retry(queue, id, now())),
    cancel: (queue, id) => run.write("cancel", () => cancel(queue, id, now())),
    prune: (queue, outcome, olderThanMs, limit) =>
      run.write("prune", () => prune(queue, outcome, now() - olderThanMs, limit)),
  };
}
